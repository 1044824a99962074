"""Manifests: from YAML files to projects, and back to YAML."""

from skaha_apply.manifest.conversion import convert
from skaha_apply.manifest.findings import FORM_RULES
from skaha_apply.manifest.formatting import format_all, formatted
from skaha_apply.manifest.loading import load
from skaha_apply.manifest.schemas import schema
from skaha_apply.manifest.writing import Remarks, dump

__all__ = ["FORM_RULES", "Remarks", "convert", "dump", "format_all", "formatted", "load", "schema"]
