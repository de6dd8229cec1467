package console_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/cioevents/cioevents/internal/console"
	"github.com/cioevents/cioevents/internal/privacy"
	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/pkg/webhook"
)

// annsBody is the body of an event of Ann. Her identifiers are nowhere else.
const annsBody = `{"event_id":"ann-1","object_type":"email","metric":"bounced","timestamp":1,"data":{"delivery_id":"d-ann","identifiers":{"id":"u-77","email":"ann@example.com"},"recipient":"Ann <ann@example.com>","subject":"Hello Ann","failure_message":"550 5.1.1 <ann@example.com> unknown"}}`

func bodyRow(t *testing.T, id, body string) warehouse.Row {
	t.Helper()
	var row warehouse.Row
	if err := row.Parse([]byte(body), warehouse.Origin{EventID: id, Workspace: "default", ReceivedAt: time.Now(), Sequence: 1}); err != nil {
		t.Fatal(err)
	}
	row.Timestamp = time.Now()
	return row
}

func annsRows(t *testing.T) []warehouse.Row {
	t.Helper()
	return append(campaign(time.Now()), bodyRow(t, "ann-1", annsBody), bodyRow(t, "hostile", `{"event_id":"hostile","object_type":"email","metric":"failed","data":{"identifiers":{"id":"u-77"},"failure_message":"`+strings.ReplaceAll(script, `"`, `\"`)+`"}}`))
}

func ann(kind, value string) url.Values {
	return url.Values{"kind": {kind}, "value": {value}, "workspace": {"default"}}
}

func (b *bed) form(path string, form url.Values) string {
	return b.call(http.MethodPost, path, form.Encode(), nil).Body.String()
}

func withKey(t *testing.T) func(*console.Config) {
	t.Helper()
	key, err := privacy.NewKey("k1", []byte(strings.Repeat("0123456789abcdef", 2)))
	if err != nil {
		t.Fatal(err)
	}
	return func(c *console.Config) { c.PrivacyKey = &key }
}

// A person is found by each identifier, with what the rules made of the events, and without
// personal values until somebody asks, which the log tells.
func TestPerson(t *testing.T) {
	t.Parallel()
	b := newFilledBed(t, annsRows(t), nil)
	if page := b.get("/person?value=ann%40example.com&kind=email").Body.String(); strings.Contains(page, "ann@example.com") || !strings.Contains(page, "Search for a person") {
		t.Errorf("the page takes an identifier from its address:\n%s", page)
	}
	for kind, value := range map[string]string{"email": "ANN@example.com", "id": "u-77", "delivery": "d-ann"} {
		page := b.form("/person", ann(kind, value))
		if !strings.Contains(page, `<span class="tag bad">suppress</span>`) || !strings.Contains(page, `href="/events/1"`) {
			t.Errorf("%s does not find the event:\n%s", kind, page)
		}
		for _, personal := range []string{"Hello Ann", "ann@example.com", "<script>alert"} {
			if strings.Contains(page, personal) {
				t.Errorf("%s shows %q:\n%s", kind, personal, page)
			}
		}
	}
	if page := b.get("/person?delivery=d-ann").Body.String(); !strings.Contains(page, "suppress") || strings.Contains(page, "Plan an erasure") {
		t.Errorf("the link to a delivery:\n%s", page)
	}
	for _, id := range []string{"%00", "d-ann%00", "%FF", "%27", "%5C"} { // bytes that mean something to SQL
		if got := b.get("/person?delivery=" + id); got.Code != http.StatusOK || strings.Contains(got.Body.String(), "suppress") {
			t.Errorf("the delivery %s: %d\n%s", id, got.Code, got.Body)
		}
	}
	if log := b.log.String(); log != "" {
		t.Errorf("a search writes a log:\n%s", log)
	}
	if page := b.form("/person/reveal", ann("id", "u-77")); !strings.Contains(page, "Hello Ann") || !strings.Contains(page, "Ann &lt;ann@example.com&gt;") {
		t.Errorf("revealed:\n%s", page)
	}
	if log := b.log.String(); !strings.Contains(log, "reveal person") || strings.Contains(log, "u-77") {
		t.Errorf("the log:\n%s", log)
	}
	if page := b.form("/person", ann("id", "nobody-here")); !strings.Contains(page, "has no such event") {
		t.Errorf("nobody:\n%s", page)
	}
	for name, form := range map[string]url.Values{"kind": ann("shoe", "42"), "short": ann("id", "x"), "no address": ann("email", "ann"), "empty": ann("delivery", " ")} {
		for _, path := range []string{"/person", "/person/reveal"} {
			if got := b.post(path, form); got != http.StatusBadRequest {
				t.Errorf("%s: %s: %d", name, path, got)
			}
		}
	}
	missing := newBed(t, nil)
	if page := missing.form("/person", ann("id", "u-77")); !strings.Contains(page, "There is no warehouse yet") {
		t.Errorf("without a warehouse:\n%s", page)
	}
}

// An export has each event once, as it was received.
func TestExportPerson(t *testing.T) {
	t.Parallel()
	b := newFilledBed(t, annsRows(t), nil)
	b.publish([]byte(annsBody))
	w := b.call(http.MethodPost, "/person/export", ann("id", "u-77").Encode(), nil)
	lines := strings.Split(strings.TrimSpace(w.Body.String()), "\n")
	if w.Code != http.StatusOK || len(lines) != 2 || !strings.Contains(lines[0], annsBody) || w.Header().Get("Content-Type") != "application/jsonl" {
		t.Errorf("%d %v %q", w.Code, w.Header(), lines)
	}
	if got := b.post("/person/export", ann("delivery", "d-ann")); got != http.StatusBadRequest {
		t.Errorf("an export of a delivery: %d", got)
	}
	if log := b.log.String(); !strings.Contains(log, "export person") || strings.Contains(log, "u-77") {
		t.Errorf("the log:\n%s", log)
	}
}

// An erasure needs the identifier typed again, PRIVACY_KEY, and a console that may change
// something. Then no store has the person, and neither has the log.
func TestErasePerson(t *testing.T) {
	t.Parallel()
	b := newFilledBed(t, annsRows(t), withKey(t))
	b.publish([]byte(annsBody))
	plan := b.form("/person/plan", ann("email", "ann@example.com"))
	for _, want := range []string{"id u-77", "email a…@example.com", `<td>warehouse duckdb</td><td class="n">2</td>`, `<td>stream</td><td class="n">1</td>`, "Type the identifier again"} {
		if !strings.Contains(plan, want) {
			t.Errorf("the plan lacks %q:\n%s", want, plan)
		}
	}
	form := ann("email", "ann@example.com")
	for _, typed := range []string{"", "u-77", "anna@example.com"} {
		form.Set("confirm", typed)
		if got := b.post("/person/erase", form); got != http.StatusBadRequest {
			t.Errorf("typed %q: %d", typed, got)
		}
	}
	if list, err := b.conn.ListErased(t.Context()); err == nil && len(list) > 0 {
		t.Fatalf("a refused erasure has marked %v", list)
	}
	form.Set("confirm", "Ann@example.com")
	receipt := b.form("/person/erase", form)
	if !strings.Contains(receipt, "The person is erased") {
		t.Fatalf("the receipt:\n%s", receipt)
	}
	file := b.get(linkIn(t, receipt, "/person/receipt/"))
	if file.Code != http.StatusOK || !strings.Contains(file.Body.String(), `"marks"`) || strings.Contains(file.Body.String()+receipt, "u-77") {
		t.Errorf("the file: %d\n%s", file.Code, file.Body)
	}
	log := b.log.String()
	_, mark, _ := strings.Cut(file.Body.String(), `"mark": "`)
	mark, _, _ = strings.Cut(mark, `"`)
	if !strings.Contains(log, "erase person") || !strings.Contains(log, "email=") || strings.Contains(log, "ann@") || strings.Contains(log, "u-77") || mark == "" {
		t.Errorf("the log, for the mark %q:\n%s", mark, log)
	}
	if plan := b.form("/person/plan", ann("id", "u-77")); strings.Count(plan, `<td class="n">0</td>`) != 3 {
		t.Errorf("a store still has the person:\n%s", plan)
	}
	if w := b.get("/person/receipt/erase-x"); w.Code != http.StatusNotFound {
		t.Errorf("an unknown receipt: %d", w.Code)
	}
}

func TestErasureIsRefused(t *testing.T) {
	t.Parallel()
	form := ann("email", "ann@example.com")
	form.Set("confirm", "ann@example.com")
	noKey := newFilledBed(t, annsRows(t), nil)
	if page := noKey.form("/person/plan", form); !strings.Contains(page, "has no <code>PRIVACY_KEY</code>") || strings.Contains(page, "/person/erase") {
		t.Errorf("without a key:\n%s", page)
	}
	if got := noKey.post("/person/erase", form); got != http.StatusBadRequest {
		t.Errorf("without a key: %d", got)
	}
	readOnly := newFilledBed(t, annsRows(t), func(c *console.Config) {
		withKey(t)(c)
		c.ReadOnly = true
	})
	if page := readOnly.form("/person/plan", form); !strings.Contains(page, "read only") || strings.Contains(page, "/person/erase") {
		t.Errorf("read only:\n%s", page)
	}
	if got := readOnly.post("/person/erase", form); got != http.StatusNotFound {
		t.Errorf("read only: %d", got)
	}
	family := newFilledBed(t, append(annsRows(t), rowOf(webhook.Event{ID: "bob-1", ObjectType: webhook.Email, Metric: webhook.Sent, OccurredAt: time.Now(), Identifiers: webhook.Identifiers{ID: "u-78", Email: "ann@example.com"}})), withKey(t))
	if page := family.form("/person/plan", form); !strings.Contains(page, "Several persons share") || !strings.Contains(page, "id u-78") || strings.Contains(page, "/person/erase") {
		t.Errorf("a shared address:\n%s", page)
	}
	for _, path := range []string{"/person/erase", "/person/export"} {
		if got := family.post(path, form); got != http.StatusBadRequest {
			t.Errorf("a shared address: %s: %d", path, got)
		}
	}
}

// With several workspaces the page guesses none, and an unknown one is refused: a wrong
// workspace has nothing of the person.
func TestPersonNeedsAWorkspace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		setting []string
		value   string // of the field at the start
		status  map[string]int
	}{
		{nil, "default", map[string]int{"": 200, "default": 200, "nosuch": 400}},
		{[]string{"acme"}, "acme", map[string]int{"": 200, "acme": 200, "nosuch": 400, "default": 200}}, // the stream has default
		{[]string{"acme", "globex"}, "", map[string]int{"": 400, "acme": 200, "globex": 200, "nosuch": 400, "default": 200}},
	} {
		b := newFilledBed(t, annsRows(t), func(c *console.Config) {
			withKey(t)(c)
			c.Workspaces = tt.setting
		})
		b.publish([]byte(annsBody))
		if page := b.get("/person").Body.String(); !strings.Contains(page, `name="workspace" value="`+tt.value+`" required`) {
			t.Errorf("%v: the page has no field with %q:\n%s", tt.setting, tt.value, page)
		}
		for workspace, want := range tt.status {
			form := ann("email", "ann@example.com")
			form.Set("workspace", workspace)
			form.Set("confirm", "another@example.com") // nobody is erased
			for _, path := range []string{"/person", "/person/reveal", "/person/plan", "/person/export"} {
				if w := b.call(http.MethodPost, path, form.Encode(), nil); w.Code != want || want == 400 && !strings.Contains(w.Body.String(), "person: invalid workspace") {
					t.Errorf("%v: %s in %q: %d, want %d\n%s", tt.setting, path, workspace, w.Code, want, w.Body)
				}
			}
			if page := b.form("/person/erase", form); want == 400 && !strings.Contains(page, "person: invalid workspace") {
				t.Errorf("%v: an erasure in %q:\n%s", tt.setting, workspace, page)
			}
		}
		if page := b.get("/person?delivery=d-ann"); len(tt.setting) > 1 && page.Code != http.StatusBadRequest {
			t.Errorf("%v: a delivery of no workspace: %d", tt.setting, page.Code)
		}
	}
	b := newFilledBed(t, annsRows(t), nil)
	if page := b.form("/person/plan", ann("id", "nobody")); !strings.Contains(page, "No event of workspace default has one of the identifiers") {
		t.Errorf("the plan for nobody:\n%s", page)
	}
}

// After a refusal because of a wrong key there is nothing to repeat: nothing began.
func TestErasureWithAnotherKey(t *testing.T) {
	t.Parallel()
	b := newFilledBed(t, annsRows(t), withKey(t))
	other, err := privacy.NewKey("k1", []byte(strings.Repeat("x", 32)))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.conn.AddErased(t.Context(), []privacy.Erasure{{Mark: other.Mark("default", privacy.Identifier{Kind: privacy.ID, Value: "u-9"}), Request: "r", At: time.Now()}}); err != nil {
		t.Fatal(err)
	}
	form := ann("email", "ann@example.com")
	form.Set("confirm", "ann@example.com")
	if page := b.form("/person/erase", form); !strings.Contains(page, "nothing was erased: the list of erased persons has") || strings.Contains(page, "not complete") {
		t.Errorf("the page:\n%s", page)
	}
}

// The plan and the receipt say which identifiers of the erased events are not erased.
func TestErasureWithFurtherIdentifiers(t *testing.T) {
	t.Parallel()
	event := func(id, identifiers string) string {
		return `{"event_id":"` + id + `","object_type":"email","metric":"sent","timestamp":1,"data":{"identifiers":{` + identifiers + `}}}`
	}
	first, second, alone := event("f1", `"id":"u-9","email":"old@example.com"`), event("f2", `"id":"u-9","email":"new@example.com"`), event("f3", `"email":"new@example.com"`)
	b := newFilledBed(t, append(campaign(time.Now()), bodyRow(t, "f1", first), bodyRow(t, "f2", second), bodyRow(t, "f3", alone)), withKey(t))
	form := ann("email", "old@example.com")
	if plan := b.form("/person/plan", form); !strings.Contains(plan, "Further identifiers stand in these events") || !strings.Contains(plan, "n…@example.com") || !strings.Contains(plan, "stay, 1 in warehouse duckdb") {
		t.Errorf("the plan:\n%s", plan)
	}
	form.Set("confirm", "old@example.com")
	if page := b.form("/person/erase", form); !strings.Contains(page, "had further identifiers, which were not erased: email") || !strings.Contains(page, "stay, 1 in warehouse duckdb") || strings.Contains(page, "example.com") {
		t.Errorf("the receipt:\n%s", page)
	}
}
