"""Links in a project, which the package holds as what they lead to."""

from pathlib import Path

import pytest

from django_offload.deploy.errors import PackageFailed
from django_offload.deploy.package.sources import select_files

from .repositories import git, packaged, write


@pytest.mark.parametrize("target", ["../outside", "secret"])
def test_a_link_in_place_of_a_tracked_folder_is_refused(
    repository: Path, tmp_path: Path, target: str
) -> None:
    write(tmp_path, {"outside/prices.csv": "of another project"})
    write(repository, {"data/prices.csv": "", "secret/prices.csv": "", ".gitignore": "secret\n"})
    git(repository, "add", "data")
    (repository / "data").rename(tmp_path / "moved")
    (repository / "data").symlink_to(target)

    with pytest.raises(PackageFailed, match=f"The link data leads to {target}, but git tracks a folder of"):
        select_files(repository)
    assert "shop/views.py" in packaged(repository, exclude=["data"])


@pytest.mark.parametrize("with_git", [True, False])
def test_what_a_link_to_a_folder_leads_to_is_packaged(
    repository: Path, tmp_path: Path, with_git: bool
) -> None:
    write(repository, {"libs/theme/base.html": "base", "libs/theme/.env": "", "libs/parts/cart.html": "cart"})
    (repository / "libs" / "theme" / "parts").symlink_to("../parts")
    (repository / "shop" / "theme").symlink_to("../libs/theme")
    (repository / "shop" / "cart.html").symlink_to("theme/parts/cart.html")
    git(repository, "add", "libs", "shop/theme", "shop/cart.html")
    if not with_git:
        (repository / ".git").rename(tmp_path / "elsewhere")

    through = [path for path in packaged(repository) if path.endswith(".html")]

    assert through == [
        *("libs/parts/cart.html", "libs/theme/base.html", "libs/theme/parts/cart.html"),
        *("shop/cart.html", "shop/theme/base.html", "shop/theme/parts/cart.html"),
    ]


@pytest.mark.parametrize(
    ("link", "target", "leads"),
    [
        ("shop/shared", "../../outside", "outside, which is outside of the project"),
        ("shop/outside.py", "../../outside/module.py", "outside/module.py, which is outside of the project"),
        ("shop/gone", "../nowhere", "../nowhere, which doesn't exist"),
        ("shop/data.csv", "customers.csv", "shop/customers.csv, which isn't packaged itself"),
        ("shop/settings.txt", "../secret/.env", "secret/.env, which isn't packaged itself"),
        ("shop/ignored", "../ignored", "ignored, which has no files that could be packaged"),
        ("shop/again", "..", "., which contains the link again"),
        ("circle/one/two", "../two", "circle/two, which contains the link again"),
    ],
)
def test_a_link_that_leads_to_nothing_to_package_is_refused_by_name(
    repository: Path, tmp_path: Path, link: str, target: str, leads: str
) -> None:
    write(tmp_path, {"outside/module.py": ""})
    write(repository, {"secret/.env": "", "ignored/local_settings.py": "", "circle/one/a.py": ""})
    write(repository, {"circle/two/b.py": ""})
    (repository / "circle" / "two" / "one").symlink_to("../one")
    (repository / link).symlink_to(target)
    circle = ("circle",) if link.startswith("circle") else ()
    git(repository, "add", "-f", "secret", "circle/one/a.py", link, *circle)

    with pytest.raises(PackageFailed) as caught:
        select_files(repository)

    assert f"leads to {leads}" in str(caught.value).replace(f"{tmp_path}/", "")
    assert 'Or name it in "exclude" of zappa_settings.json' in str(caught.value)
    assert "shop/views.py" in packaged(repository, exclude=[Path(link).name, "circle"])
