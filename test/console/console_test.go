package console_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// A person's way through the console, who has never seen it.
func TestWay(t *testing.T) {
	s := startSystem(t)
	b := startBrowser(t, s.page)
	b.open(s.page)
	b.says("No event has arrived yet")
	b.looks("empty overview")
	s.send("", "--campaign", "400")
	for _, part := range []struct {
		name string
		walk func(*testing.T, *system, *browser)
	}{
		{"is the feed alive", overview}, {"how the messages did", messages}, {"what arrives", events}, {"why did this person not get an effect", person}, {"what a person went through", searchPerson},
		{"redrive what failed", redrive}, {"release what is held", release}, {"read history again", replay}, {"try a rule", try}, {"keys", keys}, {"login", login},
	} {
		ok := t.Run(part.name, func(t *testing.T) {
			outer := b.T
			defer func() { b.T, s.T = outer, outer }()
			b.T, s.T = t, t
			part.walk(t, s, b)
			b.clean(part.name)
		})
		if !ok {
			break // the next part would only repeat the fault
		}
	}
}

func overview(t *testing.T, s *system, b *browser) {
	b.open(s.page)
	b.is("document.querySelector('.figure time')?.textContent.endsWith('ago')", step) // the first card
	b.says("suppression")
	b.is("document.querySelector('.plot canvas')", step)
	b.is("[...document.querySelectorAll('.sums li')].some((li) => li.textContent.startsWith('sent '))", 30*time.Second)
	b.says("Policy in force")
	b.is(`(window.shift = 0, new PerformanceObserver((l) => l.getEntries().forEach((e) => window.shift += e.value)).observe({type: 'layout-shift', buffered: true}), true)`, step)
	b.is("performance.getEntriesByType('resource').filter((r) => r.name.endsWith('/')).length >= 2", step) // refreshed twice
	if shift := value[float64](b, "window.shift"); shift > 0.1 {                                           // "good" by https://web.dev/articles/cls
		t.Errorf("the layout shifts by %.3f", shift)
	}
	for _, other := range s.others {
		for _, path := range []string{"/", "/events", "/dead", "/login", "/assets/console.css"} {
			if err := answers("http://" + other + path); err == nil {
				t.Errorf("%s%s answers 200: the console is on the port of another program", other, path)
			}
		}
	}
	fastest := time.Hour
	for range 5 {
		start := time.Now()
		res, err := http.Get(s.page)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		fastest = min(fastest, time.Since(start))
	}
	if fastest > 100*time.Millisecond {
		t.Errorf("the first page took %s", fastest)
	}
	b.looks("overview")
}

func events(t *testing.T, s *system, b *browser) {
	b.press(`nav a[href="/events"]`)
	b.is("document.querySelectorAll('[data-tail] tr').length >= 50", step)
	b.is("performance.getEntriesByType('resource').some((r) => r.name.includes('/events/live')) || document.querySelector('[data-note]').textContent.startsWith('Live')", step)
	b.is("document.querySelector('[data-note]').textContent === 'Live: every event is shown.'", step)
	before := count(b, "[data-tail] tr")
	start := time.Now()
	s.send("", "email_clicked_human")
	b.is("document.querySelectorAll('[data-tail] tr').length > "+before, 3*time.Second)
	t.Logf("an event was a row after %s", time.Since(start))
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("a sent event was a row after %s, want 2 s", took)
	}
	b.click("[data-pause]")
	before = count(b, "[data-tail] tr")
	s.send("", "email_opened_human")
	b.says("Paused. 1 event has arrived.")
	if count(b, "[data-tail] tr") != before {
		t.Error("a paused page changes")
	}
	b.looks("events")
	b.click("[data-pause]")
	s.send("", "--campaign", "2500", "--rate", "1000")
	b.is("document.querySelectorAll('[data-tail] tr').length <= 200", step)
	b.fill(`[name=metric]`, "bounced")
	b.press("form.bar button.main")
	b.is("location.search.includes('metric=bounced')", step)
	b.is("[...document.querySelectorAll('[data-tail] tr')].every((tr) => tr.cells[4].textContent === 'bounced')", step)
	b.press("[data-tail] a")
	b.says("What the rules make of it")
	b.is("!document.querySelector('pre').innerText.includes('@')", step)
	b.looks("event")
	b.press(`form[action$="/reveal"] button`)
	b.says("Personal values are shown")
	b.is("document.querySelector('pre').innerText.includes('@')", step)
}

func count(b *browser, selector string) string {
	b.Helper()
	return value[string](b, "String(document.querySelectorAll('"+selector+"').length)")
}

// person finds out that a message went to somebody else's address.
func person(_ *testing.T, s *system, b *browser) {
	s.send(`{"event_id":"other-1","object_type":"email","metric":"bounced","data":{"delivery_id":"d-other","identifiers":{"id":"u-77","email":"ann@example.com"},"recipient":"boss@example.com","failure_message":"550 5.1.1 unknown"}}`+"\n", "--stdin")
	b.open(s.page + "/events")
	b.fill(`[name=person]`, "ann@example.com")
	b.press("form.bar button.main")
	b.is("document.querySelectorAll('[data-tail] tr').length === 1", step)
	b.press("[data-tail] a")
	b.says("the message went to an address other than the person's own")
}

// redrive sends again what failed yesterday, and its row appears.
func redrive(t *testing.T, s *system, b *browser) {
	s.storeDead("failed-1")
	s.storeDead("failed-2")
	s.send("no JSON\n", "--stdin")
	b.open(s.page)
	b.press(`nav a[href="/dead"]`)
	b.says("no such column")
	b.looks("dead letters")
	b.choose("[name=reason]", "rejected_row")
	b.fill("[name=since]", "-24h")
	b.press("form.bar button.main")
	b.says("2 dead letters")
	b.press(`a[href^="/dead/plan"]`)
	b.says("2 will be sent again")
	b.looks("dead letters plan")
	b.press(`form[action="/dead/redrive"] button`)
	b.says("2 redriven")
	for _, id := range []string{"failed-1", "failed-2"} {
		await(t, step, "the row of "+id, func() error {
			if n := s.rows(id); n != 1 {
				return http.ErrNoLocation
			}
			return nil
		})
	}
	b.looks("dead letters job")
}

func release(_ *testing.T, s *system, b *browser) {
	b.open(s.page + "/dead/plan?reason=held_suppression")
	b.says("deleted for good")
	b.fill(`form[action="/dead/redrive"] [name=confirm]`, "0")
	b.press(`form[action="/dead/redrive"] button`)
	b.says("nothing was changed")
	b.mu.Lock()
	b.faults = nil // the answer 400 is logged by the browser
	b.mu.Unlock()
	b.open(s.page + "/dead/plan?reason=held_suppression")
	people := value[string](b, `document.querySelector('form[action="/dead/redrive"] label').innerText.match(/[0-9]+/)[0]`)
	b.fill(`form[action="/dead/redrive"] [name=confirm]`, people)
	b.press(`form[action="/dead/redrive"] button`)
	b.says("redriven")
	b.open(s.page + "/dead?reason=held_suppression")
	b.says("No dead letter matches")
}

func replay(_ *testing.T, s *system, b *browser) {
	b.open(s.page)
	b.press(`nav a[href="/replays"]`)
	b.says("No replay is running")
	b.choose("[name=to]", "suppression")
	b.press("form.bar button.main")
	b.says("with an effect on")
	b.looks("replay plan")
	b.open(s.page + "/replays/plan?to=warehouse")
	b.press(`form[action="/replays/start"] button`)
	b.says("has started")
	b.looks("replays")
	b.open(s.page + "/replays/plan?to=warehouse")
	b.press(`form[action="/replays/start"] button`)
	b.press(`form[action$="/cancel"] button`)
	b.is("location.pathname === '/replays' && location.search === ''", step)
}

func try(_ *testing.T, s *system, b *browser) {
	b.open(s.page)
	b.press(`nav a[href="/try"]`)
	b.press("form button.main")
	b.is("[...document.querySelectorAll('.tag')].some((t) => t.textContent === 'suppress')", step)
	b.looks("try a rule")
}

func keys(_ *testing.T, s *system, b *browser) {
	b.open(s.page)
	b.is("document.readyState === 'complete'", step)
	b.do(chromedp.KeyEvent("g"), chromedp.KeyEvent("d"))
	b.is("location.pathname === '/dead' && document.readyState === 'complete'", step) // with its scripts
	b.do(chromedp.KeyEvent("/"))
	b.is("document.activeElement.name === 'from'", step)
	b.do(chromedp.KeyEvent("?")) // into the field
	b.is("document.activeElement.value.endsWith('?') && !document.querySelector('dialog').open", step)
	b.open(s.page)
	b.is("document.readyState === 'complete'", step)
	b.do(chromedp.KeyEvent("?"))
	b.is("document.querySelector('dialog').open", step)
	b.do(chromedp.KeyEvent(kb.Escape))
	b.is("!document.querySelector('dialog').open", step)
}

// login uses a console of its own with a password.
func login(t *testing.T, s *system, b *browser) {
	addr := freePorts(t, 1)[0]
	start(t, []string{"CONSOLE_PASSWORD=correct horse"}, "console", "--console-addr", addr, "--nats-url", s.nats, "--warehouse-url", "duckdb:"+s.data+"/customerio.duckdb")
	page := "http://" + addr
	await(t, step, "the console answers", func() error { return answers(page + "/healthz") })
	b.mu.Lock()
	b.host = addr
	b.mu.Unlock()
	b.open(page + "/dead?reason=panic")
	b.looks("login")
	b.fill("[name=password]", "correct horse")
	b.press("button.main")
	b.is("location.pathname === '/dead' && location.search === '?reason=panic'", step)
	b.press(`form[action="/logout"] button`)
	b.is("location.pathname === '/login'", step)
	b.do(chromedp.Navigate("about:blank"))
}
