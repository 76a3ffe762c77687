"""The pages as a reader meets them: full, empty, failing, light, dark, and with names that are markup."""

import json
from collections.abc import Callable

import pytest
from playwright.sync_api import BrowserContext, Page, expect

from ergoscope_ui.figures.axes import grow
from ergoscope_ui.panels.graph import age as step_age
from ergoscope_ui.theme import DARK
from ergoscope_ui.words import age
from tests.frontend import canned
from tests.frontend.sight import Served, axis, trace, wait_for_step, wait_until

pytestmark = pytest.mark.browser
LOSS = "stabilization-chart"


def test_the_sentence_comes_with_definitions(serve: Callable[..., Served], context: BrowserContext) -> None:
    page = serve([canned.settled()]).open(context, "/runs/settled")

    expect(page.get_by_test_id("headline")).to_have_text("The loss has settled; the weights have not.")
    number = page.get_by_test_id("evidence").locator("[data-metric=loss_mean_ci]")
    number.focus()
    expect(number.get_by_role("tooltip")).to_be_visible()
    expect(number.get_by_role("tooltip")).to_contain_text("Misleads when")


def test_the_three_questions_are_answered_and_curvature_is_absent(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    page = serve([canned.settled()]).open(context, "/runs/settled")

    expect(page.locator("#stationarity-answer")).to_contain_text("Cannot be told")
    expect(page.locator("#stabilization-answer")).to_contain_text("Yes, since 15,100")
    expect(page.locator("#stability-answer")).to_contain_text("absent, because it has not been measured")
    heights = page.locator(".q3 > .q").evaluate_all("cards => cards.map(card => card.offsetHeight)")
    assert len(set(heights)) == 1
    expect(page.get_by_test_id("standings").locator("tbody tr").first).to_contain_text("head.weight")


def test_with_curvature_stability_shows_the_sharpness_and_how_it_was_obtained(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.at_the_edge()
    page = serve([run]).open(context, f"/runs/{run.id}")

    wait_for_step(page, "stability-chart", run.steps)
    expect(page.locator("#stability-answer")).to_contain_text("0.98 (0.93 to 1.04) of the threshold")
    expect(page.locator("#stability-answer")).to_contain_text("At the edge")
    expect(page.locator("#stability-foot")).to_contain_text("exact, on the training's own batch")
    threshold = "gd => gd.layout.shapes.filter(s => s.name === 'threshold').map(s => s.y0)"
    assert page.locator("#stability-chart .js-plotly-plot").evaluate(threshold) == [1]


def test_dragging_on_the_ribbon_sets_the_steps_of_every_chart(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    page = serve([canned.settled()]).open(context, "/runs/settled")
    wait_for_step(page, LOSS, 18_240)
    box = page.get_by_test_id("ribbon").bounding_box()
    assert box is not None

    page.mouse.move(box["x"] + 0.5 * box["width"], box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 0.6 * box["width"], box["y"] + 5, steps=3)
    page.mouse.up()
    wait_until(page, "document.querySelector('#stabilization-chart .js-plotly-plot').layout.xaxis.range[0] > 9000")

    ends = [axis(page, name) for name in ("stationarity-chart", LOSS, "stability-chart")]
    assert ends[0] == ends[1] == ends[2] == pytest.approx([9_120, 10_944], abs=40)
    assert "first=91" in page.url and len(trace(page, LOSS)["x"]) > 400  # finer than before: 1,824 steps
    expect(page.locator("#range-note")).to_contain_text("show all")
    page.get_by_test_id("ribbon").dblclick()
    wait_until(page, "document.querySelector('#stabilization-chart .js-plotly-plot').layout.xaxis.range[0] === 0")
    assert "first" not in page.url


def test_nothing_moves_when_points_arrive(serve: Callable[..., Served], context: BrowserContext) -> None:
    run = canned.settled()
    page = serve([run]).open(context, "/runs/settled")
    wait_for_step(page, LOSS, 18_240)
    wait_until(page, "document.querySelector('#layers-heat .js-plotly-plot .heatmaplayer')")
    page.get_by_test_id("standings").wait_for()
    places = "() => [...document.querySelectorAll('.card')].map(card => card.getBoundingClientRect().toJSON())"
    before = page.evaluate(places)

    run.steps += 200
    wait_for_step(page, LOSS, run.steps)
    page.wait_for_timeout(500)

    assert json.dumps(page.evaluate(places)) == json.dumps(before)


def test_the_list_is_searched_and_steered_by_keyboard(serve: Callable[..., Served], context: BrowserContext) -> None:
    runs = [canned.settled(), canned.diverging(), canned.crashed()]
    page = serve(runs, [canned.firing()]).open(context, "/")
    rows = page.get_by_test_id("runs").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(page.locator("#alert-badge")).to_have_text("1")

    page.locator("#query").wait_for()
    page.keyboard.press("/")
    page.keyboard.type("project = digits and lr >= 0.01")
    expect(rows).to_have_count(2)
    page.keyboard.type(" and oops <")
    expect(page.locator("#query-error")).to_contain_text("cannot be read")
    expect(rows).to_have_count(2)
    page.locator("#query").fill("")
    expect(rows).to_have_count(3)
    page.keyboard.press("Escape")
    for key in "jxjxc":
        page.keyboard.press(key)
    page.wait_for_url("**/compare?runs=diverging**settled")
    expect(page.locator("h1")).to_have_text("2 runs side by side")


def test_a_comparison_names_where_runs_part_and_what_differs(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    served = serve([canned.settled(), canned.diverging()])
    page = served.open(context, "/compare?runs=settled,diverging")

    expect(page.locator("#parting-words b")).to_contain_text("conv-sgd-0.3 leaves at step")
    expect(page.get_by_test_id("differs")).to_contain_text("seed")
    wait_for_step(page, "compare-loss", 18_240, index=0)
    colours = "graph => document.querySelector('#compare-loss .js-plotly-plot').data.map(trace => trace.line.color)"
    first = page.evaluate(colours)
    page.get_by_text("make baseline").click()
    expect(page.locator("#compare-legend > span").first).to_contain_text("conv-sgd-0.3")
    wait_until(page, f"({colours})()[0] === {json.dumps(first[1])}")


def test_every_series_has_a_chart_in_its_group(serve: Callable[..., Served], context: BrowserContext) -> None:
    run = canned.young()
    run.series["val/accuracy"] = run.series["loss"]
    page = serve([run]).open(context, "/runs/young?tab=series")

    expect(page.locator("#series-0-title")).to_have_text("val/accuracy")
    wait_for_step(page, "series-0", run.steps)
    assert trace(page, "series-0")["x"][-1] == run.steps
    expect(page.locator("#series-1-card")).to_be_hidden()

    page.get_by_role("link", name="operations").click()

    expect(page.locator("#series-0-title")).to_contain_text("Loss")
    expect(page.locator("#series-1-card")).to_be_visible()


def test_alerts_are_listed_firing_first(serve: Callable[..., Served], context: BrowserContext) -> None:
    served = serve([canned.settled(), canned.diverging()], [canned.resolved(), canned.firing()])
    page = served.open(context, "/alerts")

    rows = page.get_by_test_id("alerts").locator("tbody tr")
    expect(rows.first).to_contain_text("firing")
    expect(rows.nth(1)).to_contain_text("resolved")


def test_an_empty_service_shows_the_line_that_fills_it(serve: Callable[..., Served], context: BrowserContext) -> None:
    served = serve()
    page = served.open(context, "/")
    expect(page.get_by_test_id("empty-code")).to_contain_text("ergoscope.watch(model, optimizer)")

    served.fake.runs["young"] = canned.young()
    served.fake.runs["young"].steps += 1

    expect(page.get_by_test_id("runs").locator("tbody tr")).to_have_count(1)


def test_a_failing_service_is_told_and_recovered_from(serve: Callable[..., Served], context: BrowserContext) -> None:
    served = serve([canned.young()])
    served.fake.down = True
    page = served.open(context, "/")
    expect(page.get_by_test_id("error")).to_contain_text("the store is away for a moment")

    served.fake.down = False

    expect(page.get_by_test_id("runs").locator("tbody tr")).to_have_count(1)


def test_an_unknown_run_and_an_unknown_page_say_so(serve: Callable[..., Served], context: BrowserContext) -> None:
    served = serve()

    expect(served.open(context, "/runs/nobody").get_by_test_id("error")).to_contain_text("There is no such run")
    expect(served.open(context, "/nowhere").get_by_test_id("unknown")).to_contain_text("There is no such page")


def test_the_theme_follows_the_system_and_then_the_reader(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    page = serve([canned.settled()]).open(context, "/runs/settled")
    wait_for_step(page, LOSS, 18_240)
    colour = "() => document.querySelector('#stabilization-chart .js-plotly-plot').data[2].line.color"
    assert page.evaluate("document.documentElement.dataset.theme") == "light"

    page.get_by_role("button", name="Theme").click()
    wait_until(page, f"({colour})() === {json.dumps(DARK.descend)}")
    page.reload()
    wait_for_step(page, LOSS, 18_240)

    assert page.evaluate(colour) == DARK.descend
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(16, 18, 20)"


def test_names_that_are_markup_are_shown_as_they_are(serve: Callable[..., Served], context: BrowserContext) -> None:
    evil = "<img src=x onerror=document.title='owned'>"
    run = canned.young(steps=400)
    run.name = run.project = evil
    run.config[evil] = evil
    run.series[f"grad_norm/{evil}"] = run.series["grad_norm/conv1.weight"]
    run.series[f"update_ratio/{evil}"] = run.series["update_ratio/conv1.weight"]
    run.verdict = {**run.verdict, "headline": evil, "marks": [{"step": 20, "kind": "alert", "text": evil}]}
    served = serve([run], [{**canned.firing("young"), "text": evil}])

    for path in (
        "/",
        "/runs/young",
        "/runs/young?tab=config",
        "/runs/young?tab=events",
        "/alerts",
        "/compare?runs=young",
    ):
        page = served.open(context, path)
        expect(page.locator("main")).to_contain_text(evil)
        assert page.locator("img[src=x]").count() == 0
        page.close()


def test_no_byte_comes_from_another_host(serve: Callable[..., Served], context: BrowserContext) -> None:
    served = serve([canned.settled(), canned.diverging()])
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))

    for path in ("/", "/runs/settled", "/compare?runs=settled,diverging", "/alerts"):
        served.open(context, path).wait_for_timeout(800)

    assert asked
    assert [url for url in asked if not url.startswith((served.url, "data:", "blob:"))] == []


@pytest.mark.parametrize(
    "path",
    ["/", "/runs/settled", "/runs/settled?tab=layers", "/runs/settled?tab=series", "/compare?runs=settled,diverging"],
)
def test_a_phone_needs_no_sideways_scrolling(serve: Callable[..., Served], context: BrowserContext, path: str) -> None:
    page = serve([canned.settled(), canned.diverging()]).open(context, path)
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_timeout(1500)

    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_scripts_say_ages_and_axes_as_python_does(serve: Callable[..., Served], context: BrowserContext) -> None:
    page: Page = serve().open(context, "/")
    seconds = [-1, 0.42, 9.94, 9.96, 59.9, 60, 3600, 86_400, 172_800, 1e6]
    steps = [0, 10, 11, 99, 100, 101, 18_240, 99_999, 10**6]

    assert page.evaluate("values => values.map(ergoscope.age)", seconds) == [age(value) for value in seconds]
    assert page.evaluate("values => values.map(ergoscope.grow)", steps) == [grow(step) for step in steps]
    behind = [(7, 7), (18_200, 18_201), (18_200, 19_542), (9, 3)]
    assert page.evaluate("values => values.map(([at, now]) => ergoscope.stepAge(at, now))", behind) == [
        step_age(at, now) for at, now in behind
    ]


def test_ranks_in_trouble_are_in_the_head_and_each_in_a_table(
    serve: Callable[..., Served], context: BrowserContext
) -> None:
    run = canned.settled(ranks=[_rank(0), _rank(1, status="silent", last_step=1_204, behind=17_036)])
    run.summary = {**run.summary, "ranks": 2, "ranks_silent": 1}
    page = serve([run]).open(context, "/runs/settled?tab=events")

    summed = page.get_by_test_id("ranks-summed")
    expect(summed).to_contain_text("2 ranks, 1 silent")
    summed.locator(".term").focus()
    expect(summed.get_by_role("tooltip")).to_contain_text("Rank 1: silent at step 1,204, 17,036 behind")
    expect(page.get_by_test_id("ranks").locator("tbody tr").nth(1)).to_contain_text("silent")
    expect(page.get_by_test_id("events")).to_contain_text("learning rate")


def _rank(number: int, **more: object) -> dict[str, object]:
    kept = {"rank": number, "attempt": 1, "status": "running", "last_seen": 0.0, "last_step": 18_240, "behind": 0}
    return {**kept, **more}
