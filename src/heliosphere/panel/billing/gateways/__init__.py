"""Card gateways: one declaration and one file each. Adding one is one file and one test."""
