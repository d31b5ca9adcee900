"""Writes what type checkers and editors read of the Python package: `chat_engine/__init__.pyi`.

The generated code says its types, but not that a variant is of its enum, and not what `__init__.py` adds to the classes.
Both are put together here: the classes and their words as they were generated, with the methods of `idioms.pyi` added or
in place of theirs.
"""

import ast
import textwrap
from pathlib import Path

HEAD = "# Written by build.py, of the generated code and idioms.pyi."

def stub(package: Path, idioms: Path) -> str:
    """The stub of a package whose `__init__.py` exports generated classes."""
    exported = exports(package / "__init__.py")
    generated = {node.name: node for node in parse(package / "_generated.py") if isinstance(node, ast.ClassDef)}
    own = parse(idioms)
    added = {node.name: node for node in own if isinstance(node, ast.ClassDef)}
    first = [node for node in own if not isinstance(node, ast.ClassDef)]
    classes = [merged(described(generated[name]), added.pop(name, None)) for name in exported]
    if added:
        raise SystemExit(f"idioms.pyi has classes that are not exported: {', '.join(added)}")
    body = [*first, *classes]
    return f"{HEAD}\n\n{ast.unparse(ast.fix_missing_locations(ast.Module(body, type_ignores=[])))}\n"


def parse(file: Path) -> list[ast.stmt]:
    return ast.parse(file.read_text()).body


def exports(init: Path) -> list[str]:
    """The classes that a package takes over from the generated code."""
    taken = [node for node in parse(init) if isinstance(node, ast.ImportFrom) and node.module == "_generated"]
    return [alias.name for node in taken for alias in node.names]


def described(node: ast.ClassDef) -> ast.ClassDef:
    """A class by what it has, without how it is done."""
    node.bases = [base for base in node.bases if not ast.unparse(base).endswith("Protocol")]
    node.decorator_list = []
    if not is_plain_enum(node):
        members = [shown for member in node.body for shown in describe(member, node.name)]
        # A field of a variant lies over a method that all of them have.
        given = {field.target.id for member in members for field in ast.walk(member) if isinstance(field, ast.AnnAssign)}
        node.body = docstring(node, 1) + [m for m in members if getattr(m, "name", None) not in given] or [ellipsis()]
    return node


def describe(member: ast.stmt, owner: str) -> list[ast.stmt]:
    """What there is to know of a member of a class."""
    match member:
        case ast.ClassDef():
            # A variant of an enum, of which it is made a subclass at run time.
            member.bases, member.decorator_list = [ast.Name(owner)], []
            member.body = docstring(member, 2) + [shown for inner in member.body for shown in describe(inner, member.name)]
            return [member]
        case ast.FunctionDef(name="__init__") if not member.args.vararg and (given := fields(member)):
            return [*given, declared(member)]
        case ast.FunctionDef() | ast.AsyncFunctionDef() if not member.name.startswith("_"):
            return [declared(member)]
    return []


def is_plain_enum(node: ast.ClassDef) -> bool:
    """Whether its variants carry nothing: then there is nothing to leave out."""
    return any(ast.unparse(base) == "enum.Enum" for base in node.bases)


def fields(made: ast.FunctionDef) -> list[ast.stmt]:
    """What something is made of, which it then has."""
    given = [arg for arg in made.args.args[1:] + made.args.kwonlyargs if arg.annotation]
    return [ast.AnnAssign(ast.Name(arg.arg), Types().visit(arg.annotation), None, simple=1) for arg in given]


def declared(method: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.stmt:
    """A method without its body."""
    arguments = method.args
    for arg in arguments.args + arguments.kwonlyargs:
        arg.annotation = arg.annotation and Types().visit(arg.annotation)
    arguments.defaults = [ast.Constant(...) for _ in arguments.defaults]
    arguments.kw_defaults = [default and ast.Constant(...) for default in arguments.kw_defaults]
    method.returns = Types().visit(method.returns or ast.Constant(None))
    method.body = docstring(method, 2) or [ellipsis()]
    return method


# What the generated code has a name of its own for.
ALIASES = {"Json": "dict[str, Any]", "Time": "datetime.datetime"}


class Types(ast.NodeTransformer):
    """Types as one writes them today, and of parameters without the mark of one that was not given."""

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.parse(ALIASES.get(node.id, node.id), mode="eval").body

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        self.generic_visit(node)
        match node:
            case ast.Subscript(value=ast.Attribute(attr="Union"), slice=ast.Tuple(elts=[ast.Name(id="object"), real])):
                return real
            case ast.Subscript(value=ast.Attribute(attr="Optional"), slice=real):
                return ast.BinOp(real, ast.BitOr(), ast.Constant(None))
            case ast.Subscript(value=ast.Attribute(attr="List" | "Dict" as kind), slice=real):
                return ast.Subscript(ast.Name(kind.lower()), real)
        return node


def merged(node: ast.ClassDef, idioms: ast.ClassDef | None) -> ast.ClassDef:
    """A class with what the package adds to it. Where a base is named, that is all that callers need to know of it."""
    if idioms and idioms.bases:
        node.bases, node.body = idioms.bases, docstring(node, 1) + idioms.body
    elif idioms:
        replaced = {getattr(member, "name", None) for member in idioms.body} - {None}
        kept = [member for member in node.body if getattr(member, "name", None) not in replaced]
        node.body = [member for member in kept if not is_ellipsis(member)] + idioms.body
    return node


def docstring(node: ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef, depth: int) -> list[ast.stmt]:
    """What is said of it, indented as where it will stand."""
    said = textwrap.indent(ast.get_docstring(node) or "", " " * 4 * depth).lstrip()
    return [ast.Expr(ast.Constant(said))] if said else []


def ellipsis() -> ast.stmt:
    return ast.Expr(ast.Constant(...))


def is_ellipsis(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and node.value.value is ...
