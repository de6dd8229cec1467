package customerio_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/effect"
)

var (
	at    = time.Unix(1755600006, 0)
	joe   = effect.Person{Kind: effect.CioID, Value: "d9c106000001"}
	byID  = effect.Person{Kind: effect.ID, Value: "joe-42"}
	email = effect.Person{Kind: effect.Email, Value: "joe+news@example.com"}
)

func identify(p effect.Person) effect.Call {
	return effect.Call{
		Kind: effect.Identify, Person: p, At: at,
		Attributes: map[string]any{"spam_complaint": true, "spam_complaint_at": at.Unix()},
	}
}

func suppress(p effect.Person) effect.Call {
	return effect.Call{Kind: effect.Suppress, Person: p, At: at}
}

// serve returns a client of a server on a real connection.
func serve(t *testing.T, h http.Handler, cfg customerio.Config) *customerio.Client {
	t.Helper()
	server := httptest.NewServer(h)
	t.Cleanup(server.Close)
	cfg.SiteID, cfg.APIKey, cfg.URL = "site", "key", server.URL
	c, err := customerio.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func apply(t *testing.T, c *customerio.Client, calls ...effect.Call) {
	t.Helper()
	for _, call := range calls {
		if err := c.Apply(t.Context(), call); err != nil {
			t.Fatal(err)
		}
	}
}

type request struct {
	Method, URI, UserAgent, User, Password string
	Body                                   map[string]any
}

// recorder appends the received requests to got.
func recorder(t *testing.T, got *[]request) http.Handler {
	t.Helper()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		req := request{Method: r.Method, URI: r.RequestURI, UserAgent: r.UserAgent()}
		req.User, req.Password, _ = r.BasicAuth()
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		if len(body) > 0 {
			if err := json.Unmarshal(body, &req.Body); err != nil {
				t.Errorf("body %q: %v", body, err)
			}
		}
		*got = append(*got, req)
		io.WriteString(w, "{}")
	})
}

func TestWireFormat(t *testing.T) {
	t.Parallel()
	var got []request
	c := serve(t, recorder(t, &got), customerio.Config{})
	call := identify(joe)
	apply(t, c, call, suppress(joe))

	want := []request{
		{
			Method: "PUT", URI: "/api/v1/customers/cio_d9c106000001", UserAgent: "cioevents", User: "site", Password: "key",
			Body: map[string]any{
				"spam_complaint": true, "spam_complaint_at": 1755600006.0, "_update": true, "_timestamp": 1755600006.0,
			},
		},
		{
			Method: "POST", URI: "/api/v1/customers/cio_d9c106000001/suppress", UserAgent: "cioevents", User: "site", Password: "key",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	if len(call.Attributes) != 2 {
		t.Errorf("Apply changed the call's attributes to %v", call.Attributes)
	}
}

func TestIdentifiersAreEscaped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, identifier, want string }{
		{"plus", "a+b@example.com", "a%2Bb%40example.com"},
		{"slash", "a/b", "a%2Fb"},
		{"question mark", "a?b#c", "a%3Fb%23c"},
		{"percent", "a%2Fb", "a%252Fb"},
		{"reserved", "a&b=c$d:e;f,g", "a%26b%3Dc%24d%3Ae%3Bf%2Cg"},
		{"marks", "a!b'c(d)*", "a%21b%27c%28d%29%2A"},
		{"space", "a b", "a%20b"},
		{"umlaut", "jörg", "j%C3%B6rg"},
		{"plain", "A-z_0.9~", "A-z_0.9~"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var got []request
			client := serve(t, recorder(t, &got), customerio.Config{})
			person := effect.Person{Kind: effect.ID, Value: c.identifier}
			apply(t, client, identify(person), suppress(person))
			want := "/api/v1/customers/" + c.want
			if len(got) != 2 || got[0].URI != want || got[1].URI != want+"/suppress" {
				t.Errorf("requests %+v, want %s, plain and with /suppress", got, want)
			}
		})
	}
}

func TestSuppressionAfterTheNote(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{SiteID: "site", APIKey: "key"})
	fake.Seed(customeriotest.Profile{CioID: joe.Value, ID: byID.Value, Email: email.Value})
	c := serve(t, fake, customerio.Config{})

	apply(t, c, identify(email))
	if p, _ := fake.Profile(byID.Value); p.Attributes["spam_complaint"] != true {
		t.Errorf("the complaint is not on the profile: %+v", p)
	}
	apply(t, c, suppress(joe))
	for _, person := range []effect.Person{joe, byID, email} {
		apply(t, c, identify(person))
	}
	if all := fake.Profiles(); len(all) != 0 {
		t.Errorf("an identify after the suppression brought back %+v", all)
	}
	if got := fake.Counts(); got.Ignored != 3 {
		t.Errorf("%d calls ignored, want 3", got.Ignored)
	}
}

func TestNobodyIsCreated(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{})
	c := serve(t, fake, customerio.Config{})
	apply(t, c, identify(joe), identify(byID), identify(email))
	if all := fake.Profiles(); len(all) != 0 {
		t.Errorf("created %+v", all)
	}
}

func TestOldEventDoesNotOverwrite(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{})
	fake.Seed(customeriotest.Profile{ID: byID.Value})
	c := serve(t, fake, customerio.Config{})
	newer := identify(byID)
	older := effect.Call{
		Kind: effect.Identify, Person: byID, At: at.Add(-time.Hour),
		Attributes: map[string]any{"spam_complaint": false, "subscribed_at": at.Add(-time.Hour).Unix()},
	}
	apply(t, c, newer, older)
	want := map[string]any{
		"spam_complaint": true, "spam_complaint_at": at.Unix(), "subscribed_at": at.Add(-time.Hour).Unix(),
	}
	p, _ := fake.Profile(byID.Value)
	if diff := cmp.Diff(want, p.Attributes); diff != "" {
		t.Errorf("attributes (-want +got):\n%s", diff)
	}
}

func TestNewNamesEveryMistake(t *testing.T) {
	t.Parallel()
	_, err := customerio.New(customerio.Config{Region: "mars", Rate: -1, Concurrency: -1, Timeout: -1})
	if err == nil {
		t.Fatal("no error")
	}
	for _, want := range []string{"site id", "API key", "region", "rate", "concurrency", "timeout"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("error %q does not name the %s", err, want)
		}
	}
	for _, u := range []string{"track.example.com", "ftp://track.example.com", "https://", ":"} {
		if _, err := customerio.New(customerio.Config{SiteID: "site", APIKey: "key", URL: u}); err == nil {
			t.Errorf("URL %q is accepted", u)
		}
	}
}

func BenchmarkApply(b *testing.B) {
	server := httptest.NewServer(customeriotest.New(customeriotest.Config{KnowsEverybody: true}))
	defer server.Close()
	c, err := customerio.New(customerio.Config{SiteID: "site", APIKey: "key", URL: server.URL, Rate: 1e6})
	if err != nil {
		b.Fatal(err)
	}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := c.Apply(b.Context(), identify(joe)); err != nil {
				b.Error(err)
			}
		}
	})
}

// A person's id must not be read as the cio_id of another person.
func TestIDLikeACioID(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{})
	fake.Seed(customeriotest.Profile{CioID: joe.Value, ID: byID.Value})
	fake.Seed(customeriotest.Profile{CioID: "d9c106000002", ID: "cio_" + joe.Value})
	c := serve(t, fake, customerio.Config{})
	mallory := effect.Person{Kind: effect.ID, Value: "cio_" + joe.Value}
	if err := c.Apply(t.Context(), suppress(mallory)); class(err) != "permanent rejected" {
		t.Errorf("error %v", err)
	}
	if _, there := fake.Profile("cio_" + joe.Value); !there {
		t.Error("another person was suppressed")
	}
}
