"""The compiler is run on hostile text: it sees the toolchain, its limits hold, and it tells nothing."""

from __future__ import annotations

from sandbox.selfcheck.attack import Attack, cpp_ends, ends

_MAIN = "\nint main() {}\n"


def _includes(path: str) -> str:
    return f'#include "{path}"{_MAIN}'


ATTACKS: tuple[Attack, ...] = (
    cpp_ends(
        "compiler/include-passwd", "include /etc/passwd, to read it in the errors", _includes("/etc/passwd"), "CE"
    ),
    cpp_ends("compiler/include-secret", "include a secret", _includes("@SECRET@"), "CE"),
    cpp_ends(
        "compiler/include-relative", "include it by a long relative path", _includes("../" * 30 + "@SECRET@"), "CE"
    ),
    cpp_ends("compiler/include-next", "include it by #include_next", '#include_next "@SECRET@"' + _MAIN, "CE"),
    cpp_ends("compiler/include-random", "include /dev/random, which has no end", _includes("/dev/random"), "CE"),
    cpp_ends("compiler/include-zero", "include /dev/zero, which has no end", _includes("/dev/zero"), "CE"),
    cpp_ends("compiler/include-stdin", "include /dev/stdin and wait", _includes("/dev/stdin"), "CE OK"),
    cpp_ends("compiler/include-tty", "include a terminal and wait", _includes("/dev/tty"), "CE"),
    cpp_ends("compiler/include-proc", "include its own memory map", _includes("/proc/self/environ"), "CE"),
    cpp_ends("compiler/include-itself", "include itself for ever", '#include "main.cpp"' + _MAIN, "CE"),
    cpp_ends("compiler/include-directory", "include a directory", _includes("/usr"), "CE"),
    cpp_ends(
        "compiler/has-include",
        "ask whether files of the host exist",
        "#include <cstdio>\n"
        '#if __has_include("@SECRET@") || __has_include("/etc/passwd") || __has_include("/proc/1/stat")\n'
        '#define FOUND "GOT THROUGH"\n#else\n#define FOUND "held"\n#endif\nint main() { puts(FOUND); }',
        "OK",
        needs=("mount",),
        forbidden=("GOT THROUGH",),
    ),
    cpp_ends(
        "compiler/embed",
        "embed a file of the host",
        '#include <cstdio>\nconst unsigned char x[] = {\n#embed "@SECRET@"\n, 0};\n'
        "int main() { puts((const char *)x); }",
        "CE",
    ),
    cpp_ends(
        "compiler/incbin",
        "embed a file of the host by the assembler",
        '#include <cstdio>\nasm(".data\\nleak: .incbin \\"@SECRET@\\"\\n.byte 0\\n.text");\nextern "C" char leak[];'
        "\nint main() { puts(leak); }",
        "CE",
    ),
    cpp_ends(
        "compiler/asm-include",
        "have the assembler include /etc/passwd, to read it in the errors",
        'asm(".include \\"/etc/passwd\\"");' + _MAIN,
        "CE",
    ),
    cpp_ends(
        "compiler/line",
        "say that an error is in /etc/passwd, so that its text is shown",
        '#line 1 "/etc/passwd"\nint main() { return undeclared; }\n#line 1 "@SECRET@"\nint f() { return undeclared; }',
        "CE",
    ),
    cpp_ends(
        "compiler/dependency",
        "ask for the age of a file, and for precompiled headers of others",
        '#pragma GCC dependency "@SECRET@"\n#pragma GCC pch_preprocess "@SECRET@"' + _MAIN,
        "CE OK",
    ),
    cpp_ends(
        "compiler/pragmas",
        "poison, optimise, and ask for plug-ins by pragma and attribute",
        '#pragma GCC optimize("O3,unroll-loops,fplugin=@SECRET@,fdump-tree-all=/tmp/codesieve-x")\n'
        '#pragma GCC target("avx2")\n#pragma GCC poison main\n'
        '__attribute__((optimize("fplugin=@SECRET@"))) int f() { return 0; }' + _MAIN,
        "CE OK",
    ),
    cpp_ends(
        "compiler/link-options",
        "leave options for the link-time optimiser in a section of the object",
        'asm(".section .gnu.lto_.opts,\\"e\\",@progbits\\n.string \\"\'-fplugin=@SECRET@\'\\"\\n.text");' + _MAIN,
        "CE OK",
    ),
    cpp_ends(
        "compiler/host-library",
        "link a file of the host by a section of the object",
        'asm(".section .note.x,\\"\\",@note\\n.incbin \\"/etc/passwd\\"\\n.text");' + _MAIN,
        "CE",
    ),
    cpp_ends(
        "compiler/errors",
        "make gigabytes of error messages",
        "#define A x y z ;\n"
        + "".join(f"#define {b} {a} {a} {a} {a} {a} {a} {a} {a}\n" for a, b in zip("ABCDEF", "BCDEFG", strict=True))
        + "int main() { G G G }",
        "CE",
    ),
    cpp_ends(
        "compiler/error-names",
        "make one error message of megabytes",
        f"int main() {{ return {'x' * 3_000_000}; }}",
        "CE",
    ),
    cpp_ends(
        "compiler/macros",
        "expand macros to gigabytes",
        "#define A x,x,x,x,x,x,x,x,x,x\n"
        + "".join(
            f"#define {b} {a},{a},{a},{a},{a},{a},{a},{a},{a},{a}\n"
            for a, b in zip("ABCDEFGHI", "BCDEFGHIJ", strict=True)
        )
        + "int x, y[] = {J};"
        + _MAIN,
        "CE",
        slow=True,
    ),
    cpp_ends(
        "compiler/templates",
        "instantiate templates without end, each two more",
        "template<int N, int M> struct S { S<N - 1, M> a; S<N - 1, M + (1 << (N % 30))> b; };\n"
        "template<int M> struct S<0, M> {};\nS<60, 0> s;" + _MAIN,
        "CE",
        slow=True,
    ),
    cpp_ends(
        "compiler/template-depth",
        "instantiate templates as deep as they go",
        "template<int N> struct S : S<N + 1> {};\nS<0> s;" + _MAIN,
        "CE",
    ),
    cpp_ends(
        "compiler/constexpr",
        "compute for ever at compile time",
        "constexpr long f(long n) { long s = 0; for (long i = 0; i < n; i++) for (long j = 0; j < n; j++) s += i ^ j;"
        " return s; }\n"
        "constexpr long a = f(1L << 40);" + _MAIN,
        "CE",
        slow=True,
    ),
    cpp_ends(
        "compiler/nesting",
        "nest brackets deeper than the parser's stack",
        "int x = " + "(" * 20_000 + "1;" + _MAIN,
        "CE",
    ),
    cpp_ends(
        "compiler/huge-array",
        "make a binary of gigabytes",
        "char x[1L << 32] = {1};\nint main() { return x[5]; }",
        "CE RTE MLE",
        slow=True,
    ),
    cpp_ends(
        "compiler/huge-section",
        "make a section of gigabytes by the assembler",
        'asm(".data\\n.fill 4000000000, 1, 7\\n.text");' + _MAIN,
        "CE",
    ),
    cpp_ends(
        "compiler/asm-repeat",
        "have the assembler repeat without end",
        'asm(".rept 2000000000\\nnop\\n.endr");' + _MAIN,
        "CE",
        slow=True,
    ),
    cpp_ends(
        "compiler/response-file", "be taken for a file of options", "@SECRET@ @/etc/passwd -fplugin=x\n" + _MAIN, "CE"
    ),
    cpp_ends("compiler/nul", "be full of NUL bytes and invalid text", "int main() {} // \0\0\udcff\udcfe\n\0", "OK CE"),
    ends("compiler/python-nesting", "nest deeper than Python's parser", "x = " + "(" * 100_000 + "1", "CE RTE MLE"),
    ends("compiler/python-operators", "compile for ever", "x = " + "-" * 100_000 + "1", "CE RTE MLE"),
    ends(
        "compiler/python-folding",
        "have constants folded to gigabytes",
        "x = (1 << (1 << 40)) + ('x' * 2**40 == 1)",
        "MLE RTE CE",
    ),
    ends("compiler/python-null", "be full of NUL bytes", "x = 1\0\nprint('\0')", "CE OK RTE"),
)
