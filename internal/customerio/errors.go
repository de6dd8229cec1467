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
	// maxWait bounds the wait of a Retry-After, as in Customer.io's own clients.
	maxWait = 300 * time.Second
	// maxExcerpt is the size of the part of an answer that an error shows, in bytes.
	maxExcerpt = 200
)

// A statusError is an answer other than success.
type statusError struct {
	api      *api
	status   int
	wait     time.Duration // 0 when the answer named no wait
	location string        // the host of a redirect
	body     string        // unredacted: never shown
	excerpt  string        // of the body, without the person's identifiers
}

func newStatusError(api *api, req *http.Request, resp *http.Response) *statusError {
	e := &statusError{api: api, status: resp.StatusCode, wait: retryAfter(resp.Header)}
	if u, err := resp.Location(); err == nil {
		e.location = u.Host // the path would name the person
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxRefusal))
	if err == nil {
		e.body = withoutKey(detail(body), req)
	}
	return e
}

// withoutKey removes the API key of the request from the text of the answer, because a
// proxy may repeat the request's headers in the answer.
func withoutKey(text string, req *http.Request) string {
	_, sent, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	_, key, _ := req.BasicAuth()
	for _, secret := range []string{sent, key} {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "…")
		}
	}
	return text
}

func (e *statusError) Error() string {
	switch {
	case e.redirect():
		return fmt.Sprintf("status %d: redirected to %s: set CUSTOMERIO_REGION to the region of the account", e.status, e.location)
	case e.misplaced():
		return fmt.Sprintf("status %d: no %s at this address: check CUSTOMERIO_REGION and %s", e.status, e.api.name, e.api.address)
	case e.barred():
		return fmt.Sprintf("status %d: %s", e.status, http.StatusText(e.status))
	case e.status == http.StatusForbidden && e.api.scopes:
		return fmt.Sprintf("status %d: %s not accepted for this call: give the key the scope in Customer.io", e.status, e.api.credentials)
	case e.unauthorized():
		return fmt.Sprintf("status %d: %s not accepted: check the credentials of the workspace", e.status, e.api.credentials)
	case e.status == http.StatusTooManyRequests && e.wait == 0 && e.api == appAPI:
		// Customer.io documents a 429 without Retry-After for a daily quota.
		return fmt.Sprintf("status %d without Retry-After: a daily quota may be used up: %s", e.status, e.excerpt)
	case e.excerpt != "":
		return fmt.Sprintf("status %d: %s", e.status, e.excerpt)
	default:
		return fmt.Sprintf("status %d", e.status)
	}
}

// redirect reports a redirect, which is the answer to an account of another region.
func (e *statusError) redirect() bool { return e.status >= 300 && e.status <= 399 }

// misplaced reports that the server does not know the path. The Track API knows every
// path that a Client calls, and answers 200 even about people who do not exist. The App
// API answers 404 about a missing webhook.
func (e *statusError) misplaced() bool {
	return e.status == http.StatusMethodNotAllowed || e.status == http.StatusNotFound && e.api.allPathsExist
}

// barred reports that the account or a proxy blocks all calls. As refusals of single
// calls, these answers would dead-letter every event.
func (e *statusError) barred() bool {
	return e.status == http.StatusPaymentRequired || e.status == http.StatusProxyAuthRequired
}

// unauthorized reports that every call fails, because the configuration is wrong.
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

// IsRateLimited reports whether err is a 429, or the pause after one: other programs use the calls that Customer.io
// allows, and the answer tells nothing about the request.
func IsRateLimited(err error) bool {
	e := statusOf(err)
	return e != nil && e.outcome() == outcomeRateLimited || errors.Is(err, errPaused)
}

// IsUnauthorized reports whether err is about the configuration: credentials that the API
// does not accept, the wrong region, or an address without the API.
func IsUnauthorized(err error) bool {
	e := statusOf(err)
	return e != nil && e.unauthorized() || errors.Is(err, errRegion)
}

var errRegion = errors.New("the account is in another region: set CUSTOMERIO_REGION")

// judge classifies the error of a call, and removes the person from its text. No other
// function does either. net/http's errors contain the URL and thereby the identifier,
// and an answer may repeat the identifier.
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
	_, foreign := errors.AsType[*foreignError](err)
	switch {
	case foreign:
		return outcomeForeign, err
	case timedOut(err):
		return outcomeTimeout, err
	default:
		return outcomeUnavailable, err
	}
}

func statusOf(err error) *statusError {
	e, _ := errors.AsType[*statusError](err)
	return e
}

// waitOf returns the wait that the answer named, or 0.
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

// identifiers matches identifiers of people, because an answer may also repeat an
// identifier that the call did not name.
var identifiers = regexp.MustCompile(`[^\s"'<>]+(?:@|%40)[^\s"'<>]+|\bcio_\w+|\+\d{6,15}\b`)

// excerpt returns the beginning of an answer's body, without identifiers of people.
func excerpt(body, identifier string) string {
	for _, s := range []string{identifier, url.PathEscape(identifier), url.QueryEscape(identifier)} {
		if s != "" {
			body = strings.ReplaceAll(body, s, "…")
		}
	}
	body = strings.Join(strings.Fields(identifiers.ReplaceAllString(body, "…")), " ")
	return strings.ToValidUTF8(body[:min(len(body), maxExcerpt)], "")
}

// retryAfter returns the wait that an answer asks for, or 0. A date in Retry-After is
// compared with the answer's own Date header and not with the local clock, which may
// differ.
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
