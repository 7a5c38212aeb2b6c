"""The site of the tiny workflow in a browser, from a file and from a static host."""

import re
from pathlib import Path
from urllib.parse import unquote

import pandas as pd
import pytest
from axe_playwright_python.sync_playwright import Axe
from conftest import draw_all
from runs import good, run

PAGES = ("index", "bulk", "l1000", "spatial", "molecules", "methods", "downloads")
STUDIES = PAGES[1:5]
WIDTHS = (380, 900, 1600)
MOST_BYTES, MOST_SECONDS = 5_000_000, 2


def table_of(site, study, name):
    path = next((site / "figures" / study).glob(f"*/{name}.tsv"))
    return pd.read_csv(
        path, sep="\t", dtype={"gene_id": str, "symbol": str}, keep_default_na=False, na_values=[""]
    )


@pytest.mark.parametrize("name", PAGES)
def test_a_page_loads_whole_light_and_in_time(demo_site, visit, name):
    timing = "() => performance.getEntriesByType('navigation')[0].duration"
    seconds = []
    for _ in range(3):
        seen = visit(demo_site / f"{name}.html")
        seconds.append(seen.page.evaluate(timing) / 1000)
    draw_all(seen.page)
    # Pictures load as they come into view; all of them count.
    for picture in seen.page.locator("img").all():
        picture.scroll_into_view_if_needed()
    seen.page.wait_for_function(
        "() => Array.from(document.images).every(i => i.complete && i.naturalWidth > 0)"
    )
    assert seen.complaints == []
    assert min(seconds) <= MOST_SECONDS, seconds
    total = sum(seen.bytes.values())
    assert 20_000 < total <= MOST_BYTES, sorted(seen.bytes.items(), key=lambda item: -item[1])[:8]


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_wider_than_the_page(demo_site, visit, name, width):
    seen = visit(demo_site / f"{name}.html", width=width)
    draw_all(seen.page)
    assert seen.page.evaluate("() => document.documentElement.scrollWidth") <= width
    # Nothing but a scrolling region may reach beyond the right edge.
    beyond = """() => Array.from(document.querySelectorAll('main *')).filter(e =>
        e.getBoundingClientRect().right > innerWidth + 1 && !e.closest('.scroll, .chart, pre, .hidden, thead, caption'))
        .map(e => e.outerHTML.slice(0, 120))"""
    assert seen.page.evaluate(beyond) == []


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing_serious(demo_site, visit, name, colours):
    seen = visit(demo_site / f"{name}.html", width=900, colours=colours)
    draw_all(seen.page)
    found = Axe().run(seen.page).response["violations"]
    serious = [v for v in found if v["impact"] in ("serious", "critical")]
    assert not serious, [(v["id"], [n["html"][:160] for n in v["nodes"][:3]]) for v in serious]


@pytest.mark.parametrize("name", PAGES)
def test_headings_alternatives_and_the_skip_link(demo_site, visit, name):
    page = visit(demo_site / f"{name}.html").page
    levels = [
        int(tag[1])
        for tag in page.evaluate("() => Array.from(document.querySelectorAll('h1,h2,h3,h4'), e => e.tagName)")
    ]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False)), levels
    alternatives = page.evaluate("() => Array.from(document.images, i => i.alt)")
    assert all(len(text) > 10 for text in alternatives)
    assert name not in STUDIES or len(alternatives) >= 10
    page.keyboard.press("Tab")
    assert page.evaluate("() => document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("() => document.activeElement.id") == "main"


def test_every_link_leads_somewhere_and_nowhere_else(demo_site):
    ids, links = {}, []
    for path in demo_site.glob("*.html"):
        text = path.read_text(encoding="utf-8")
        found = re.findall(r'\bid="([^"]+)"', text)
        assert len(found) == len(set(found)), f"{path.name}: an id twice"
        ids[path.name] = set(found)
        links += [(path.name, link) for link in re.findall(r'\b(?:href|src|data-file)="([^"]*)"', text)]
        links += [(path.name, link) for link in re.findall(r'<option value="(charts/[^"]+)"', text)]
    assert len(links) > 500
    for page, link in links:
        if link.startswith("data:image/svg+xml,"):
            continue
        assert not re.match(r"[a-z]+:|//", link), f"{page}: {link} leaves the site"
        file, _, anchor = link.partition("#")
        target = file or page
        assert (demo_site / unquote(target)).is_file(), f"{page}: {link}"
        assert not anchor or anchor in ids[target], f"{page}: {link}"
    styles = (
        (demo_site / "site.css").read_text()
        + (demo_site / "site.js").read_text()
        + (demo_site / "charts.js").read_text()
    )
    assert "http" not in styles


def test_every_figure_of_the_run_is_on_its_page(demo_site):
    shown = 0
    for path in sorted((demo_site.parent / "figures").glob("*/*/*.svg")):
        study, dataset = path.parts[-3:-1]
        text = (demo_site / f"{study}.html").read_text(encoding="utf-8")
        assert f'<figure id="{dataset}-{path.stem}"' in text
        for kind in ("svg", "png", "tsv"):
            copy = demo_site / f"figures/{study}/{dataset}/{path.stem}.{kind}"
            assert copy.read_bytes() == path.with_suffix(f".{kind}").read_bytes()
        shown += 1
    assert shown >= 40


def test_every_table_is_a_download(demo_site):
    text = (demo_site / "downloads.html").read_text(encoding="utf-8")
    names = [path.relative_to(demo_site).as_posix() for path in (demo_site / "tables").rglob("*.tsv")]
    assert len(names) > 80 and {"tables/claims.tsv", "tables/benchmarks.tsv"} <= set(names)
    assert all(f'href="{name}" download' in text for name in names)


def test_downloads_arrive(demo_site, served, visit):
    page = visit(f"{served}/bulk.html").page
    figure = page.locator("figure").first
    for kind, magic in (("SVG", b"<?xml"), ("PNG", b"\x89PNG"), ("TSV", b"")):
        with page.expect_download() as caught:
            figure.locator(".files a", has_text=kind).click()
        data = Path(caught.value.path()).read_bytes()
        assert data.startswith(magic) and len(data) > 200


def test_the_search_finds_a_gene(demo_site, visit):
    seen = visit(demo_site / "bulk.html")
    draw_all(seen.page)
    drawn = (
        table_of(demo_site, "bulk", "volcano").query("method == 'deseq2'").dropna(subset=["minus_log10_padj"])
    )
    gene = drawn.sort_values("minus_log10_padj").iloc[-1]
    section = seen.page.locator(".explore", has=seen.page.locator("[data-search]"))
    picked = f"() => latentome.views.get('{section.get_attribute('id')}').signal('picked')"
    section.get_by_role("searchbox").fill(gene.symbol.lower())
    assert seen.page.evaluate(picked) == [gene.gene_id]
    cells = section.locator(".found tbody tr").first.locator("td").all_inner_texts()
    assert cells[:2] == [gene.symbol, gene.gene_id]
    assert float(cells[3].replace("\u2212", "-")) == pytest.approx(gene.log2FoldChange, rel=0.01)
    section.get_by_role("searchbox").fill("no such gene")
    assert "Nothing found" in section.locator(".found").inner_text()
    assert seen.page.evaluate(picked) == []


def test_what_a_search_finds_fits_a_narrow_page(demo_site, visit):
    page = visit(demo_site / "bulk.html", width=380).page
    draw_all(page)
    page.get_by_role("searchbox").first.fill("1")
    assert page.locator(".found tbody tr").count() > 1
    assert page.evaluate("() => document.documentElement.scrollWidth") <= 380


def test_the_slider_changes_the_map_by_keyboard(demo_site, visit):
    seen = visit(demo_site / "spatial.html")
    section = seen.page.locator(".explore[id$='explore-genes']").first
    section.scroll_into_view_if_needed()
    seen.page.wait_for_function("e => e.dataset.drawn", arg=section.element_handle())
    view = f"latentome.views.get('{section.get_attribute('id')}')"
    # What is drawn at a spot is its measured value left of the line, the imputed one right of it.
    count = f"""() => {{ const rows = {view}.scenegraph().root; const marks = [];
        (function walk(g) {{ for (const m of g.items || []) {{
            if (m.marktype === 'symbol' && m.role === 'mark') marks.push(...m.items); else walk(m);
        }} }})({{ items: [rows] }});
        return [marks.length, marks.filter(m => m.datum.shown === m.datum.raw).length,
                marks.filter(m => m.datum.shown === m.datum.imputed).length]; }}"""
    slider = section.get_by_role("slider")
    number, raw, imputed = seen.page.evaluate(count)
    assert number > 100 and 0.2 < raw / number < 0.8 and 0.2 < imputed / number < 0.8
    before = section.locator(".chart").screenshot()
    slider.focus()
    seen.page.keyboard.press("End")
    seen.page.wait_for_timeout(400)
    assert seen.page.evaluate(count)[1] >= 0.98 * number
    assert section.locator(".chart").screenshot() != before
    seen.page.keyboard.press("Home")
    seen.page.wait_for_timeout(400)
    assert seen.page.evaluate(count)[2] == number
    genes = section.get_by_role("combobox", name="Gene", exact=True)
    options = genes.locator("option").all_inner_texts()
    assert len(options) >= 2
    shown = section.locator(".chart").screenshot()
    genes.select_option(options[1])
    seen.page.wait_for_timeout(400)
    assert section.locator(".chart").screenshot() != shown


@pytest.mark.parametrize(
    ("name", "anchor"),
    [("bulk", "latent"), ("l1000", "components"), ("l1000", "units"), ("spatial", "domains")],
)
def test_points_are_coloured_by_any_column(demo_site, visit, name, anchor):
    seen = visit(demo_site / f"{name}.html")
    section = seen.page.locator(f".explore[id$='explore-{anchor}']").first
    section.scroll_into_view_if_needed()
    seen.page.wait_for_function("e => e.dataset.drawn", arg=section.element_handle())
    choice = section.get_by_role("combobox", name="Colour by")
    domains = set()
    for option in choice.locator("option").all():
        choice.select_option(option.get_attribute("value"))
        seen.page.wait_for_timeout(300)
        levels = seen.page.evaluate(
            f"() => latentome.views.get('{section.get_attribute('id')}').scale('color').domain()"
        )
        assert 1 <= len(levels) <= 35
        domains.add(tuple(map(str, levels)))
    assert len(domains) >= 2
    assert seen.complaints == []


def test_the_network_finds_a_class_and_drops_weak_arrows(demo_site, visit):
    seen = visit(demo_site / "l1000.html")
    section = seen.page.locator(".explore[id$='explore-network']")
    section.scroll_into_view_if_needed()
    seen.page.wait_for_function("e => e.dataset.drawn", arg=section.element_handle())
    view = f"latentome.views.get('{section.get_attribute('id')}')"
    drawn = f"() => [{view}.signal('picked').length, {view}.signal('least')]"
    section.get_by_role("searchbox").fill("inhibitor")
    assert seen.page.evaluate(drawn)[0] >= 2
    section.get_by_role("slider").focus()
    seen.page.keyboard.press("End")
    assert seen.page.evaluate(drawn)[1] > 0
    section.get_by_role("combobox", name="Show").select_option(index=1)
    seen.page.wait_for_function("e => e.dataset.drawn.endsWith('-1.js')", arg=section.element_handle())
    assert seen.page.evaluate(drawn)[0] >= 2, "what was searched for stays when the model changes"


def test_the_claims_sort_and_filter(demo_site, visit):
    page = visit(demo_site / "index.html").page
    table = page.locator("#claims-table")
    heads = table.locator("thead th")

    def names():
        return [
            cell.inner_text().casefold() for cell in table.locator("tbody tr:visible td:nth-child(6)").all()
        ]

    total = len(names())
    assert total >= 25
    button = heads.nth(5).get_by_role("button")
    button.focus()
    page.keyboard.press("Enter")
    assert heads.nth(5).get_attribute("aria-sort") == "ascending"
    first = names()
    button.click()
    assert heads.nth(5).get_attribute("aria-sort") == "descending"
    assert names()[0] != first[0] and sorted(names()) == sorted(first)
    page.get_by_role("combobox", name="Study").select_option("bulk")
    assert 0 < len(names()) < total
    page.get_by_role("searchbox", name="Filter").fill("deseq2")
    assert 0 < len(names()) < total
    assert f"of {total} claims" in page.locator(".tools").inner_text()


def test_a_score_table_sorts_numbers_as_numbers(demo_site, visit):
    page = visit(demo_site / "bulk.html").page
    details = page.locator("figure[id$='-held_out'] details")
    details.locator("summary").click()
    head = details.locator("th", has_text="value")
    head.get_by_role("button").click()
    place = head.evaluate("e => e.cellIndex")
    values = [
        float(cell.get_attribute("data-value"))
        for cell in details.locator(f"tbody tr td:nth-child({place + 1})[data-value]").all()
    ]
    assert len(values) > 3 and values == sorted(values)


def test_molecules_are_cards(demo_site, visit):
    page = visit(demo_site / "molecules.html").page
    cards = page.locator(".card")
    assert cards.count() >= 10
    whole = cards.filter(has=page.locator("img")).first
    assert whole.locator("dt", has_text="Molecular weight").count() == 1
    assert whole.locator("img").get_attribute("alt").startswith("Structure of ")


def test_paper_has_the_figures_and_no_controls(demo_site, visit, tmp_path):
    page = visit(demo_site / "bulk.html", colours="dark").page
    page.emulate_media(media="print")
    assert page.locator("figure img").first.is_visible()
    assert not page.locator(".controls").first.is_visible() and not page.locator("header nav").is_visible()
    ground = page.evaluate("() => getComputedStyle(document.body).backgroundColor")
    assert ground == "rgb(255, 255, 255)"


def test_the_methods_have_the_numbers_of_this_run(demo_site):
    text = (demo_site / "methods.html").read_text(encoding="utf-8")
    assert "trained for at most 40 epochs with 2 seeds (0, 1)" in text
    for package in ("python", "torch", "altair", "snakemake"):
        assert f"<code>{package}</code>" in text


def test_a_second_run_does_nothing_and_an_unbuilt_study_says_so(demo_site):
    work = demo_site.parents[1]
    assert "build_site" not in good(run(work, "site", "-n")).jobs()
    for path in (demo_site.parent / "figures/l1000").glob("*/expression_pca.svg"):
        path.unlink()
    # A page of what is there: nothing of the study is made anew.
    assert set(good(run(work, "site", "-n")).jobs()) == {"build_site", "site"}
    good(run(work, "site"))
    page = (demo_site / "l1000.html").read_text(encoding="utf-8")
    assert "Not built" in page and "snakemake --cores all l1000" in page and "<figure" not in page
    assert not list((demo_site / "figures").glob("l1000/*"))
    assert 'href="l1000.html"' in (demo_site / "downloads.html").read_text(encoding="utf-8")


def test_without_any_figure_there_is_one_line(tmp_path):
    done = run(tmp_path, "site")
    assert done.code != 0
    assert "no study has all its figures" in done.text and "make figures" in done.text
