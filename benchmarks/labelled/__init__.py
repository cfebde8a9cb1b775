"""Labelled texts that the detector is measured on: files of lines, and a generated set."""
