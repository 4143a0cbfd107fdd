"""YAML files of policies and checks, read safely, held against JSON Schemas; every fault is one line that says where."""
