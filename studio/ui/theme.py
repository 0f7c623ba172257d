"""Colours and type of the page, in light and dark, and what goes into its head. Knows no component."""

from __future__ import annotations

import gradio as gr

from .parts import STATIC, script, words_script

# name: (light, dark); contrast of text on its ground is at least 4.5 to 1.
COLOURS = {
    "body_background_fill": ("#f4f2ee", "#0e0f12"),
    "background_fill_primary": ("#ffffff", "#16181d"),
    "background_fill_secondary": ("#faf9f6", "#1b1e24"),
    "border_color_primary": ("#e0dbd1", "#2a2e36"),
    "block_background_fill": ("#ffffff", "#16181d"),
    "block_border_color": ("#e0dbd1", "#2a2e36"),
    "body_text_color": ("#1d1b18", "#eceae6"),
    "body_text_color_subdued": ("#66615a", "#a3a5ac"),
    "block_label_text_color": ("#66615a", "#a3a5ac"),
    "block_title_text_color": ("#66615a", "#a3a5ac"),
    "block_info_text_color": ("#66615a", "#a3a5ac"),
    "input_background_fill": ("#ffffff", "#101216"),
    "input_border_color": ("#cfc8bb", "#383d47"),
    "input_border_color_focus": ("#a85f00", "#f5b83d"),
    "input_placeholder_color": ("#746e66", "#8f929a"),
    "button_primary_background_fill": ("#f5b83d", "#f5b83d"),
    "button_primary_background_fill_hover": ("#ffc95c", "#ffc95c"),
    "button_primary_text_color": ("#201500", "#201500"),
    "button_secondary_background_fill": ("#ffffff", "#1f232a"),
    "button_secondary_background_fill_hover": ("#f3f0ea", "#282d36"),
    "button_secondary_border_color": ("#d8d2c6", "#343943"),
    "button_secondary_text_color": ("#1d1b18", "#eceae6"),
    "slider_color": ("#b86e00", "#f5b83d"),
    "table_border_color": ("#e0dbd1", "#2a2e36"),
    "checkbox_background_color_selected": ("#9a5800", "#c98a12"),
}
SIZES = {
    "block_label_background_fill": "transparent",
    "block_label_border_width": "0px",
    "color_accent": "#9a5800",
    "block_shadow": "none",
    "block_border_width": "0px",
    "block_padding": "0px",
    "block_radius": "10px",
    "input_border_width": "1px",
    "button_border_width": "1px",
    "layout_gap": "12px",
    "form_gap_width": "0px",
}


def theme() -> gr.themes.Base:
    """The page's theme; its fonts come with Gradio, nothing is fetched."""
    made = gr.themes.Base(
        primary_hue=gr.themes.colors.amber,
        neutral_hue=gr.themes.colors.zinc,
        radius_size=gr.themes.sizes.radius_md,
        spacing_size=gr.themes.sizes.spacing_md,
        text_size=gr.themes.sizes.text_md,
        font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "ui-sans-serif", "system-ui", "sans-serif"],
        font_mono=[gr.themes.LocalFont("IBM Plex Mono", weights=(400, 700)), "ui-monospace", "monospace"],
    )
    chosen = dict(SIZES)
    for name, (light, dark) in COLOURS.items():
        chosen |= {name: light, f"{name}_dark": dark}
    return made.set(**chosen)


def head() -> str:
    """Script and style for the page's head: Gradio rewrites what it is given as css."""
    style = (STATIC / "style.css").read_text("utf-8")
    return f'<meta name="color-scheme" content="light dark"><script>{words_script()}</script><script>{script("keys.js")}</script><style>{style}</style>'
