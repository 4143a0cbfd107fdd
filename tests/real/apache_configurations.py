"""Configurations of Apache for property-based tests: every way in which lines, files, conditions, variables and macros nest."""

from __future__ import annotations

from hypothesis import strategies as st

NAMES = st.sampled_from("alpha beta Gamma a ab".split())
TEXT = st.text(st.sampled_from("abc ${}alphabeta\\\"'#<>/!%\t$a@"), max_size=14)
WORDS = st.one_of(
    st.sampled_from(["x", "a\\b", "${alpha}", "pre${ALPHA}post", "${Gamma}${a}", "${ab", "$x", "${}", "é"]),
    TEXT.map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'),
    st.sampled_from(["'it is'", '"a\\"b"', "'\\\\'", '"\\\\"', '"${beta}"', "a\\\\b"]),
)
MODULES = st.sampled_from(
    "mod_dir.c dir_module mod_rewrite.c rewrite_module core.c prefork.c mod_prefork.c mod_so.c MOD_DIR.C http_core.c".split()
)
VERSIONS = st.sampled_from(
    [
        "2.4",
        ">= 2.4",
        "< 2.4.99",
        "> 2",
        "= 2.4.0",
        "!= 2.4",
        "!< 2.4",
        '">=" 2.4.1',
        "~ ^2\\.",
        "= /^2\\.4/",
        "!~ 2\\.2",
        "2.4.",
        '"2.4"',
        "=! 2",
        ">= 2.x",
    ]
)
FILES = ["one.conf", "two.conf", "sub/three.conf"]
INCLUDES = st.sampled_from(
    [
        "one.conf",
        "./two.conf",
        "*.conf",
        "t?o.conf",
        "sub",
        "sub/",
        "s*/[a-t]*.conf",
        "missing.conf",
        "missing/*.conf",
        "sub/../one.conf",
        "s*/*",
    ]
)


@st.composite
def spaced(draw: st.DrawFn, *words: str) -> str:
    """The words on one logical line, with space, continuation and case as people write them."""
    gaps = st.sampled_from([" ", "  ", "\t", " \\\n", "\\\n ", " \\\r\n"])
    name, *rest = words
    name = draw(st.sampled_from([name, name.lower(), name.upper(), name.swapcase()]))
    line = name + "".join(draw(gaps) + word for word in rest if word)
    return draw(st.sampled_from(["", "  ", "\t"])) + line + draw(st.sampled_from(["", " ", "\r"])) + "\n"


def line(*parts: st.SearchStrategy[str] | str) -> st.SearchStrategy[str]:
    made = [st.just(part) if isinstance(part, str) else part for part in parts]
    return st.tuples(*made).flatmap(lambda words: spaced(*words))


PLAIN = st.one_of(
    line("DirectoryIndex", WORDS, WORDS),
    line("AddType", "text/x", WORDS),
    line("SetEnv", NAMES, WORDS),
    line("AddHandler", WORDS, WORDS),
)
ACTIONS = st.one_of(
    line("Define", NAMES),
    line("Define", NAMES, WORDS),
    line("UnDefine", NAMES),
    line("Use", st.sampled_from(["M1", "m2"]), WORDS),
    line("Use", "M2", WORDS, WORDS),
    line("UndefMacro", "M2"),
    line("LoadModule", "rewrite_module", "/usr/lib/apache2/modules/mod_rewrite.so"),
    st.sampled_from(["# a comment\n", "# continued \\\nSetEnv inside comment\n", "\n", "   \n", "\\\n", "#\n"]),
)
INCLUDING = st.one_of(line("Include", INCLUDES), line("IncludeOptional", INCLUDES))
FAULTS = st.sampled_from(
    [
        "</IfModule>\n",
        "<Directory /x>\n",
        "</Directory>\n",
        "<IfDefine alpha>\n",
        "</IfDefine >\n",
        "<IfModule>\n",
        "<Directory /x\n",
        "Use nothing\n",
        "Error stop\n",
    ]
)


def conditions(content: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    negation = st.sampled_from(["", "", "!"])
    heads = st.one_of(
        st.tuples(st.just("IfModule"), negation, MODULES),
        st.tuples(st.just("IfDefine"), negation, NAMES),
        st.tuples(st.just("IfFile"), negation, st.sampled_from(["one.conf", "sub", "missing.conf", '"./two.conf"', "/etc/hostname"])),
        st.tuples(st.just("IfDirective"), negation, st.sampled_from(["RewriteEngine", "setenv", "Nothing", "DirectoryIndex"])),
        st.tuples(st.just("IfSection"), negation, st.sampled_from(["Directory", "Macro", "Nothing"])),
        st.tuples(st.just("IfVersion"), st.just(""), VERSIONS),
    )
    return st.tuples(heads, content).map(lambda made: f"<{made[0][0]} {made[0][1]}{made[0][2]}>\n{made[1]}</{made[0][0]}>\n")


def sections(content: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    heads = st.sampled_from(["<VirtualHost *:80>", "<VirtualHost 127.0.0.1:8080 >"])
    nested = st.sampled_from(
        ["<Directory /x>", '<Directory "/a b/${a}">', "<Location /l>", "<FILES x>", "<LocationMatch ^/x>", '<FilesMatch "\\.(php|a>b)$">']
    )
    closed = st.tuples(st.one_of(heads, nested), content)
    return closed.map(lambda made: f"{made[0]}\n{made[1]}</{made[0][1:].split()[0].rstrip('>')}>\n")


MACROS = st.tuples(
    st.lists(
        st.one_of(line("SetEnv", st.sampled_from(["$a", "v$ab"]), st.sampled_from(["$b", '"$a $b"', "${$a}", "@c"])), PLAIN), max_size=3
    )
).map(
    lambda made: (
        f"<Macro M1 $a>\n{''.join(made[0])}</Macro>\n<Macro m2 $a $b>\n<IfDefine $a>\n{''.join(made[0])}</IfDefine>\nUse M1 $b\n</Macro>\n"
    )
)


def contents(faulty: bool, includes: bool) -> st.SearchStrategy[str]:
    """A file's text; with `faulty`, lines that may make the server refuse it."""
    plain = [PLAIN, PLAIN, PLAIN, ACTIONS, *([FAULTS] if faulty else []), *([INCLUDING] if includes else [])]
    base = st.lists(st.one_of(*plain), max_size=4).map("".join)
    return st.recursive(
        base, lambda inner: st.lists(st.one_of(*plain, conditions(inner), sections(inner)), max_size=5).map("".join), max_leaves=8
    )


@st.composite
def configurations(draw: st.DrawFn) -> dict[str, str]:
    """Texts by file name; `main` is where the server begins, after the modules are loaded."""
    faulty = draw(st.booleans())
    files = {name: draw(contents(faulty, includes=False)) for name in FILES}
    main = (
        draw(st.one_of(st.just(""), MACROS))
        + draw(contents(faulty, includes=True))
        + draw(st.sampled_from(["", "Include one.conf\n", "SetEnv last line"]))
    )
    return {**files, "main": main}
