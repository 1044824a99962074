"""Every value that crosses a folder of this package: no input or output, no clock, no third party but pydantic.

The build reads the version of the package here.
"""

__version__ = "0.1.0"
