"""Pure decisions of the node agent: values in, values out, no file, socket or clock."""
