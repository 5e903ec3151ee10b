"""Sphinx's configuration for the documentation site; scripts/site prepares its pages and runs it."""

project = "mmap-wrap"
author = "the mmap-wrap developers"
html_title = "mmap-wrap"

extensions = ["myst_parser"]
html_theme = "furo"
html_static_path = ["style.css"]
html_css_files = ["style.css"]
html_copy_source = False
html_show_sphinx = False
html_show_copyright = False
# The pages must look the same without a network: this theme and this configuration load nothing from elsewhere.
html_theme_options = {"light_css_variables": {"font-stack": "system-ui, sans-serif"}}

# Anchors as a forge makes them, so that one link serves both.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]
highlight_language = "text"
# Pygments' lexer for Raku does not know every adverb: such a block has no colours. Pod's headings may skip a level.
suppress_warnings = ["misc.highlighting_failure", "myst.header"]

# Types of C itself, which no page describes.
nitpick_ignore = [("c:identifier", name) for name in ("int64_t", "uint8_t", "uint32_t", "uint64_t", "size_t")]
