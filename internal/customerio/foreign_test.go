package customerio_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/cioevents/cioevents/internal/customerio"
	"github.com/cioevents/cioevents/internal/customerio/customeriotest"
	"github.com/cioevents/cioevents/internal/effect"
)

// foreignBodies are bodies of a success, and whether the Track API could have sent them.
var foreignBodies = map[string]struct {
	body string
	own  bool
}{
	"nothing":            {"", true},
	"white space":        {" \r\n\t", true},
	"object":             {"{}", true},
	"object after lines": {"\n\t {\"a\":1}", true},
	"unknown fields":     {`{"meta":{"delayed":true}}`, true},
	"page":               {"<!doctype html><title>joe@example.com d9c1</title>", false},
	"page after lines":   {"\r\n\r\n <html>", false},
	"text":               {"OK", false},
	"array":              {"[]", false},
	"string":             {`"{}"`, false},
	"null":               {"null", false},
	"NUL":                {"\x00{}", false},
}

// Success is the API's own answer. Any other success is an outage, for single calls and
// for batches, and its error does not show the body.
func TestForeignSuccess(t *testing.T) {
	t.Parallel()
	for name, c := range foreignBodies {
		for _, status := range []int{200, 202} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				want := "outage 1s"
				if c.own {
					want = "done"
				}
				foreign(t, status, c.body, want, func(t *testing.T, client *customerio.Client, call effect.Call) error {
					t.Helper()
					return client.Apply(t.Context(), call)
				})
				foreign(t, status, c.body, want, func(t *testing.T, client *customerio.Client, call effect.Call) error {
					t.Helper()
					if call.Kind == effect.Suppress {
						call = identify(call.Person)
					}
					_, err := applyBatch(t, client, []effect.Call{call, call})
					return err
				})
			})
		}
	}
}

func foreign(t *testing.T, status int, body, want string, send func(*testing.T, *customerio.Client, effect.Call) error) {
	t.Helper()
	for _, call := range []effect.Call{identify(joe), suppress(joe), {Kind: effect.Track, Person: joe, At: at, Event: "e", ID: "i"}} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			client := paced(t, customerio.Config{}, func(*http.Request) (*http.Response, error) {
				requests++
				resp := answer(status, body)
				resp.Header.Set("Content-Type", "text/html; name=joe")
				resp.ContentLength = int64(len(body))
				return resp, nil
			})
			err := send(t, client, call)
			if class(err) != want || requests != 1 {
				t.Errorf("%s: %s after %d requests, want %s after one (%v)", call.Kind, class(err), requests, want, err)
			}
			discreet(t, err)
			if err != nil && !strings.Contains(err.Error(), `type "text/html" of `) {
				t.Errorf("error %q does not say what was seen", err)
			}
			if (client.Down() != nil) != (err != nil) {
				t.Errorf("Down %v after %v", client.Down(), err)
			}
		})
	}
}

// A proxy that answers for the Track API also answers the question for the region.
func TestForeignRegion(t *testing.T) {
	t.Parallel()
	fake := customeriotest.New(customeriotest.Config{})
	fake.SetFault(func(*http.Request) *customeriotest.Fault { return customeriotest.Proxy() })
	_, err := serve(t, fake, customerio.Config{}).Region(t.Context())
	if err == nil || !strings.Contains(err.Error(), `get region: status 200 with a body of type "text/html"`) {
		t.Errorf("error %v, want one about the answer", err)
	}
}

// An answer that breaks off within its leading white space is no success.
func TestSuccessBreaksOff(t *testing.T) {
	t.Parallel()
	client := paced(t, customerio.Config{}, func(*http.Request) (*http.Response, error) {
		resp := answer(http.StatusOK, "")
		resp.Body = io.NopCloser(io.MultiReader(strings.NewReader("  "), brokenReader{}))
		return resp, nil
	})
	if err := client.Apply(t.Context(), identify(joe)); class(err) != "transient" {
		t.Errorf("%s, want transient (%v)", class(err), err)
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }
