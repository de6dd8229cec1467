package console_test

import (
	"context"
	_ "embed"
	"encoding/json"
	"flag"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/cdproto/cdp"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/cdproto/log"
	"github.com/chromedp/cdproto/network"
	"github.com/chromedp/cdproto/runtime"
	"github.com/chromedp/chromedp"
)

var update = flag.Bool("update", false, "write the screenshots into docs/img")

//go:embed testdata/axe.min.js
var axe string

// A browser is a tab of Chromium. It fails the test when a page logs an error or asks a
// host other than the console's.
type browser struct {
	*testing.T
	ctx context.Context

	mu     sync.Mutex
	host   string   // of the console
	faults []string // of pages, so far
}

// startBrowser runs Chromium until the end of the test.
func startBrowser(t *testing.T, page string) *browser {
	t.Helper()
	path, err := exec.LookPath("chromium")
	if err != nil {
		t.Fatal("chromium is missing: apt-get install chromium")
	}
	alloc, stop := chromedp.NewExecAllocator(t.Context(), chromedp.ExecPath(path), chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU,
		chromedp.NoFirstRun, chromedp.NoDefaultBrowserCheck, chromedp.UserDataDir(t.TempDir()), chromedp.Flag("hide-scrollbars", true),
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
		chromedp.WSURLReadTimeout(time.Minute))
	ctx, closeTab := chromedp.NewContext(alloc)
	t.Cleanup(func() {
		_ = chromedp.Cancel(ctx)
		closeTab()
		stop()
	})
	b := &browser{T: t, ctx: ctx, host: hostOf(page)}
	b.do(enable(network.Enable, network.EnableParams{}), enable(log.Enable, cdp.Empty{}), enable(runtime.Enable, cdp.Empty{}))
	watch(b, runtime.ExceptionThrown, func(e runtime.EventExceptionThrown) {
		b.fault("exception: %s %s", e.ExceptionDetails.Text, e.ExceptionDetails.URL)
	})
	watch(b, runtime.ConsoleAPICalled, b.said)
	watch(b, log.EntryAdded, func(e log.EventEntryAdded) {
		if e.Entry.Level == log.EntryLevelError {
			b.fault("log: %s %s", e.Entry.Text, e.Entry.URL)
		}
	})
	watch(b, network.RequestWillBeSent, b.requested)
	b.size(1280, 900)
	return b
}

func enable[P, R any](c cdp.Command[P, R], params P) chromedp.Action[chromedp.Void] {
	return chromedp.Func(func(ctx context.Context, t *chromedp.Target) error {
		_, err := cdp.Call(ctx, t, c, params)
		return err
	})
}

// watch calls fn for each event until the browser ends.
func watch[E any](b *browser, event cdp.Event[E], fn func(E)) {
	events := chromedp.Events(b.ctx, event)
	go func() {
		for e, err := range events {
			if err != nil {
				return
			}
			fn(e)
		}
	}()
}

func hostOf(page string) string {
	u, _ := url.Parse(page)
	return u.Host
}

func (b *browser) said(e runtime.EventConsoleAPICalled) {
	if e.Type == runtime.ConsoleAPICalledTypeError || e.Type == runtime.ConsoleAPICalledTypeWarning {
		text, _ := json.Marshal(e.Args)
		b.fault("console.%s: %s", e.Type, text)
	}
}

func (b *browser) requested(e network.EventRequestWillBeSent) {
	u, err := url.Parse(e.Request.URL)
	if err == nil && u.Scheme != "data" && u.Scheme != "about" && u.Host != b.allowed() {
		b.fault("request to %s", e.Request.URL)
	}
}

func (b *browser) allowed() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.host
}

func (b *browser) fault(format string, args ...any) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.faults = append(b.faults, fmt.Sprintf(format, args...))
}

// clean fails the test if a page has had a fault since the last call.
func (b *browser) clean(what string) {
	b.Helper()
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, f := range b.faults {
		b.Errorf("%s: %s", what, f)
	}
	b.faults = nil
}

// step is the longest time for one action of a person.
const step = 15 * time.Second

func (b *browser) do(actions ...chromedp.Action[chromedp.Void]) {
	b.Helper()
	// The first call starts the browser, whose life is that of its context.
	if err := chromedp.Do(b.ctx); err != nil {
		b.Fatalf("start chromium: %v", err)
	}
	ctx, cancel := context.WithTimeout(b.ctx, step)
	defer cancel()
	if err := chromedp.Do(ctx, actions...); err != nil {
		page, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.pathname + location.search + '\\n' + document.body.innerText.slice(0, 600)"))
		b.Fatalf("%v; the page is %s", err, page)
	}
}

// value returns the value of an expression in the page.
func value[T any](b *browser, expression string, options ...chromedp.EvaluateOption) T {
	b.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, step)
	defer cancel()
	v, err := chromedp.Run(ctx, chromedp.Evaluate[T](expression, options...))
	if err != nil {
		b.Fatalf("%.80s: %v", expression, err)
	}
	return v
}

func (b *browser) open(address string) {
	b.Helper()
	b.do(chromedp.Navigate(address), chromedp.WaitReady(chromedp.CSS("main")))
}

// click presses an element of a page that stays.
func (b *browser) click(selector string) {
	b.Helper()
	b.do(chromedp.WaitVisible(chromedp.CSS(selector)), chromedp.Click(chromedp.CSS(selector)))
}

// press clicks a link or a form's button and waits for the next page: a text that both
// pages have would else let the test act on the page that is leaving.
func (b *browser) press(selector string) {
	b.Helper()
	value[bool](b, "document.leaving = true")
	b.click(selector)
	b.is("!document.leaving && document.readyState === 'complete'", step)
}

func (b *browser) fill(selector, text string) {
	b.Helper()
	b.do(chromedp.Clear(chromedp.CSS(selector)), chromedp.SendKeys(chromedp.CSS(selector), text))
}

func (b *browser) choose(selector, value string) {
	b.Helper()
	b.do(chromedp.SetValue(chromedp.CSS(selector), value))
}

// is waits until an expression in the page is true.
func (b *browser) is(expression string, limit time.Duration) {
	b.Helper()
	await(b.T, limit, expression, func() error {
		ok, err := chromedp.Run(b.ctx, chromedp.Evaluate[bool]("!!("+expression+")"))
		if err != nil || ok {
			return err
		}
		text, _ := chromedp.Run(b.ctx, chromedp.Evaluate[string]("location.pathname + '\\n' + document.querySelector('main')?.innerText.slice(0, 600)"))
		return fmt.Errorf("false on %s", text)
	})
}

// says waits until the page has the text.
func (b *browser) says(text string) {
	b.Helper()
	quoted, _ := json.Marshal(text)
	b.is("document.querySelector('main').innerText.includes("+string(quoted)+")", step)
}

func (b *browser) size(width, height int64) {
	b.Helper()
	b.do(chromedp.EmulateViewport(width, height))
}

func (b *browser) scheme(name string) {
	b.Helper()
	b.do(enable(emulation.SetEmulatedMedia, emulation.SetEmulatedMediaParams{Features: []*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: name}}}))
}

// looks checks the present page: in light and dark no serious fault of accessibility, and
// no scrolling to the side on a telephone.
func (b *browser) looks(name string) {
	b.Helper()
	for _, scheme := range []string{"dark", "light"} {
		b.scheme(scheme)
		b.checkAccess(name + " in " + scheme)
		b.shoot(name, scheme)
	}
	b.size(360, 740)
	if wide := value[int](b, "document.documentElement.scrollWidth"); wide > 360 {
		b.Errorf("%s is %d px wide on a screen of 360", name, wide)
	}
	b.size(1280, 900)
	b.clean(name)
}

// checkAccess runs axe-core and reports serious and critical faults.
func (b *browser) checkAccess(name string) {
	b.Helper()
	type violation struct {
		ID, Impact, Help string
		Nodes            []struct{ HTML, FailureSummary string }
	}
	value[int](b, axe+"; 0")
	faults := value[[]violation](b, `axe.run(document, {resultTypes: ['violations']}).then((r) => r.violations.filter((v) => ['serious', 'critical'].includes(v.impact)))`,
		chromedp.EvalAwaitPromise)
	for _, f := range faults {
		b.Errorf("%s: %s (%s): %s\n%+v", name, f.ID, f.Impact, f.Help, f.Nodes[0])
	}
}

// pictures are the pages that docs/console.md shows.
var pictures = []string{"overview", "events", "event", "messages", "person", "erasure plan", "dead letters plan", "replays"}

// shoot writes a screenshot with -update: pictures in light, the overview also in dark.
func (b *browser) shoot(name, scheme string) {
	b.Helper()
	if !*update || !slices.Contains(pictures, name) || scheme == "dark" && name != "overview" {
		return
	}
	png, err := chromedp.Run(b.ctx, chromedp.CaptureScreenshot())
	if err != nil {
		b.Fatal(err)
	}
	path := "../../docs/img/console-" + strings.ReplaceAll(name, " ", "-") + "-" + scheme + ".png"
	if err := os.WriteFile(path, png, 0o644); err != nil {
		b.Fatal(err)
	}
}
