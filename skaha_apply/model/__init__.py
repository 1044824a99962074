"""Every value that crosses a folder of this package: no input or output, no clock, no third party but pydantic."""
