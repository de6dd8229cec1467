package customerio

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/cioevents/cioevents/internal/fault"
)

const (
	// The most that a Retry-After can ask for, as Customer.io's own
	// clients do.
	maxWait = 300 * time.Second
	// How much of an answer's body an error shows, in bytes.
	maxExcerpt = 200
)

// A statusError is an answer other than success.
type statusError struct {
	status   int
	wait     time.Duration // 0 when the answer named none
	location string        // the host of a redirect
	body     string        // as it came: not for showing
	excerpt  string        // of the body, without the person
}

func newStatusError(req *http.Request, resp *http.Response) *statusError {
	e := &statusError{status: resp.StatusCode, wait: retryAfter(resp.Header)}
	if u, err := resp.Location(); err == nil {
		e.location = u.Host // the rest of it would name the person
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err == nil {
		e.body = withoutKey(string(body), req)
	}
	return e
}

// withoutKey leaves out of a text the key of the request that it answers: a proxy
// on the way may repeat the header it came in.
func withoutKey(text string, req *http.Request) string {
	if _, key, ok := req.BasicAuth(); ok && key != "" {
		_, encoded, _ := strings.Cut(req.Header.Get("Authorization"), " ")
		text = strings.NewReplacer(encoded, "…", key, "…").Replace(text)
	}
	return text
}

func (e *statusError) Error() string {
	switch {
	case e.redirect():
		return fmt.Sprintf("status %d: redirected to %s: set CUSTOMERIO_REGION to the region of the account", e.status, e.location)
	case e.misplaced():
		return fmt.Sprintf("status %d: there is no Track API at this address: see CUSTOMERIO_REGION and CUSTOMERIO_TRACK_URL", e.status)
	case e.barred():
		return fmt.Sprintf("status %d: %s", e.status, http.StatusText(e.status))
	case e.unauthorized():
		return fmt.Sprintf("status %d: the site id and the Track API key are not accepted", e.status)
	case e.excerpt != "":
		return fmt.Sprintf("status %d: %s", e.status, e.excerpt)
	default:
		return fmt.Sprintf("status %d", e.status)
	}
}

// redirect: an account of another region is answered so.
func (e *statusError) redirect() bool { return e.status >= 300 && e.status <= 399 }

// misplaced: the API has every path that is called, whoever it is about. People
// who do not exist are answered 200.
func (e *statusError) misplaced() bool {
	return e.status == http.StatusNotFound || e.status == http.StatusMethodNotAllowed
}

// barred: it is the account or a proxy on the way that lets no call through. Taken
// for refusals they would make dead letters of all.
func (e *statusError) barred() bool {
	return e.status == http.StatusPaymentRequired || e.status == http.StatusProxyAuthRequired
}

func (e *statusError) unauthorized() bool {
	return e.redirect() || e.misplaced() || e.barred() || e.status == http.StatusUnauthorized || e.status == http.StatusForbidden
}

func (e *statusError) outcome() outcome {
	switch {
	case e.unauthorized():
		return outcomeUnauthorized
	case e.status == http.StatusTooManyRequests:
		return outcomeRateLimited
	case e.status == http.StatusRequestTimeout:
		return outcomeTimeout
	case e.status >= 400 && e.status <= 499:
		return outcomeRejected
	default:
		return outcomeUnavailable
	}
}

var errRegion = errors.New("the account is in another region: set CUSTOMERIO_REGION")

// judge gives a call's error its class. It is the one place that does, and the
// one that keeps the person out of an error's text: net/http's errors contain
// the address, and with it the identifier, and answers may repeat it.
func judge(err error, identifier string) (outcome, error) {
	if err == nil {
		return outcomeOK, nil
	}
	if e := statusOf(err); e != nil {
		shown := *e
		shown.excerpt = excerpt(e.body, identifier)
		shown.body = ""
		return e.outcome(), classify(&shown)
	}
	if e, ok := errors.AsType[*url.Error](err); ok {
		err = e.Err
	}
	if timedOut(err) {
		return outcomeTimeout, err
	}
	return outcomeUnavailable, err
}

func statusOf(err error) *statusError {
	if e, ok := errors.AsType[*statusError](err); ok {
		return e
	}
	return nil
}

// waitOf is the wait that the answer named, 0 for none.
func waitOf(err error) time.Duration {
	if e := statusOf(err); e != nil {
		return e.wait
	}
	return 0
}

func classify(e *statusError) error {
	switch {
	case e.outcome() == outcomeRejected:
		return fault.Permanent(fault.ReasonRejected, e)
	case e.wait > 0:
		return fault.RetryAfter(e.wait, e)
	default:
		return e
	}
}

func timedOut(err error) bool {
	if errors.Is(err, context.DeadlineExceeded) {
		return true
	}
	e, ok := errors.AsType[net.Error](err)
	return ok && e.Timeout()
}

// Another identifier of the person may be repeated, too.
var identifiers = regexp.MustCompile(`[^\s"'<>]+(?:@|%40)[^\s"'<>]+|\bcio_\w+`)

// excerpt returns the beginning of an answer's body, without the person.
func excerpt(body, identifier string) string {
	for _, s := range []string{identifier, url.PathEscape(identifier), url.QueryEscape(identifier)} {
		if s != "" {
			body = strings.ReplaceAll(body, s, "…")
		}
	}
	body = strings.Join(strings.Fields(identifiers.ReplaceAllString(body, "…")), " ")
	return strings.ToValidUTF8(body[:min(len(body), maxExcerpt)], "")
}

// retryAfter returns the wait that an answer asks for, 0 when it asks for none.
// A date is taken relative to the server's own, so that no clock of ours is
// compared with it.
func retryAfter(h http.Header) time.Duration {
	value := h.Get("Retry-After")
	if n, err := strconv.ParseInt(value, 10, 64); err == nil || errors.Is(err, strconv.ErrRange) {
		return time.Duration(max(0, min(n, int64(maxWait/time.Second)))) * time.Second
	}
	until, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	now, err := http.ParseTime(h.Get("Date"))
	if err != nil {
		return 0
	}
	return max(0, min(until.Sub(now), maxWait))
}
