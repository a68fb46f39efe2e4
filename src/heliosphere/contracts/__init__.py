"""What panel, agent and mail engine say to each other: frozen values and their JSON codec, nothing else."""
