"""Files that a stranger might write: each is small to send, and made to cost much or to break a reader."""

from __future__ import annotations

import json

MIB = 1 << 20

TOML: dict[str, bytes] = {
    "dotted key": b"a." * 50_000 + b"a = 1\n",
    "dotted key of quoted parts": b'"a"."b".' * 16_000 + b"a = 1\n",
    "dotted key with blanks": b"a . \t" * 25_000 + b"a = 1\n",
    "dotted header": b"[" + b"a." * 50_000 + b"a]\n",
    "dotted header of a list": b"[[" + b"a." * 50_000 + b"a]]\n",
    "dotted key in an inline table": b'x = {s = """a"""", ' + b"b." * 50_000 + b'b = 1, c = "z"}\n',
    "dotted key behind a string that hides it": b'x = "# \\" \' """"\n' + b"b." * 50_000 + b"b = 1\n",
    "dotted key behind a comment": b"# ''' \"\"\"\n" + b"b." * 50_000 + b"b = 1\n",
    "many keys of 19 parts": b"".join(
        b"k%d" % line + b".a" * 18 + b" = 1\n" for line in range(128 * 1024 // 47)
    ),
    "many headers of 19 parts": b"".join(
        b"[k%d" % line + b".a" * 18 + b"]\n" for line in range(128 * 1024 // 46)
    ),
    "keys of 19 parts under a deep header": b"[h"
    + b".a" * 18
    + b"]\n"
    + b"".join(b"k%d" % line + b".a" * 18 + b" = 1\n" for line in range(128 * 1024 // 48)),
    "many keys": b"".join(b"k%d=1\n" % line for line in range(15_000)),
    "many tables": b"".join(b"[t%d]\n" % line for line in range(15_000)),
    "many tables of a list": b"[[t]]\n" * 21_000,
    "many tables of a nested list": b"[[t.u]]\n[[t]]\n" * 8_000,
    "many inline tables": b"x = [" + b"{a=1}," * 21_000 + b"]\n",
    "many empty lists": b"x = [" + b"[]," * 43_000 + b"]\n",
    "inline tables in each other": b"x = " + b"{a = " * 26_000,
    "lists in each other": b"x = " + b"[" * 120_000,
    "a long list of blanks": b"x = [" + b"\n" * 125_000 + b"]\n",
    "a number of many digits": b"x = 1" + b"0" * 100_000 + b"\n",
    "a number of many figures in hexadecimals": b"x = 0x1" + b"f" * 100_000 + b"\n",
    "a number with many underscores": b"x = 1" + b"_1" * 60_000 + b"\n",
    "a float of many digits": b"x = 0." + b"1" * 120_000 + b"e-999999999\n",
    "a string of 8 MB": b'x = "' + b"a" * (8 * MIB - 7) + b'"\n',
    "a string of many escapes": b'x = "' + b"\\u00e9" * 21_000 + b'"\n',
    "a string without an end": b'x = """' + b'a""' * 40_000,
    "many quotes": b"'" * 125_000,
    "many double quotes": b'"' * 125_000,
    "a key of 120 kB": b"k" * 120_000 + b" = 1\n",
    "unknown fields": b"[peak_flop_per_s]\n" + b"".join(b"k%d=1\n" % line for line in range(14_000)),
    "a model of many keys": b"[config]\nmodel_type = 'llama'\n"
    + b"".join(b"k%d=1\n" % line for line in range(14_000)),
    "a field of 20 levels": b"[config]\nx = " + b"[" * 18 + b"]" * 18 + b"\n",
    "9 MB": b"# " + b"a" * (9 * MIB),
    "NULs": b"\0" * MIB,
    "binary": bytes(range(256)) * 4096,
    "one line of other scripts": "x = \u202e\u0661\u200d = 'é'".encode() * 1000,
    "keys of other scripts": b"".join(f"'\u202e{line}\U0001f600' = 1\n".encode() for line in range(6_000)),
}

JSON: dict[str, bytes] = {
    "lists in each other": b"[" * 8_000_000,
    "objects in each other": b'{"a":' * 1_000_000,
    "objects of 900 levels": b'{"model_type":"llama","x":' + b'{"a":' * 900 + b"1" + b"}" * 901,
    "a number of many digits": b'{"model_type":"llama","hidden_size":1' + b"0" * 4200 + b"}",
    "a number of 100,000 digits": b'{"model_type":"llama","hidden_size":1' + b"0" * 100_000 + b"}",
    "many numbers": b'{"model_type":"llama","x":[' + b"1," * 3_900_000 + b"1]}",
    "many empty lists": b"[" + b"[]," * 2_600_000 + b"[]]",
    "many objects": b"[" + b'{"":0},' * 1_100_000 + b"{}]",
    "as many lists as are allowed": b'{"model_type":"llama","x":[' + b"[]," * 199_000 + b"[]]}",
    "as many objects as are allowed": b'{"model_type":"llama","x":[' + b'{"":0},' * 132_000 + b"{}]}",
    "a string of 8 MB": b'{"model_type":"' + b"a" * (8 * MIB - 20) + b'"}',
    "a string of escapes": b'{"model_type":"' + b"\\u202e" * 1_300_000 + b'"}',
    "a name of control characters": b'{"model_type":"\\u001b]52;c;eA==\\u0007\\u001b[2J\\n\\u202e"}',
    "not a number": b'{"model_type":"llama","hidden_size":NaN,"num_hidden_layers":1e999}',
    "half of a pair": b'{"model_type":"\\ud800"}',
    "NULs": b"\0" * MIB,
    "binary": bytes(range(256)) * 4096,
}
NAMES = ("__init__", "_x", "__pycache__", "../llama", "llama.py", "a" * 5000, "\u212a", "\0", "llama\n")
"""Names of modules, paths and near misses: none is a model_type."""
JSON |= {f"model_type {name[:12]!a}": json.dumps({"model_type": name}).encode() for name in NAMES}
