package customerio

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// A foreignError is a success that the API cannot have sent: a proxy, a captive portal or
// a parked domain has answered the call.
type foreignError struct {
	api    *api
	status int
	media  string // the media type of the answer, "" for none
	length int64  // bytes of the answer, -1 if the answer did not say
}

func (e *foreignError) Error() string {
	length := "of unknown length"
	if e.length >= 0 {
		length = fmt.Sprintf("of %d bytes", e.length)
	}
	return fmt.Sprintf("status %d with a body of type %q %s, which the %s does not send: "+
		"check for a proxy or a captive portal, HTTPS_PROXY and %s", e.status, e.media, length, e.api.name, e.api.address)
}

// checkOwn returns a *foreignError unless the body of a success is empty or begins with
// "{" after white space. The Track API answers "{}", or an object with the faults of a
// batch; the App API answers objects. Nobody has seen every answer of an API, and a
// stricter check could stop every effect. checkOwn does not consume what follows the
// white space.
func (a *api) checkOwn(resp *http.Response, body *bufio.Reader) error {
	for {
		switch b, err := body.ReadByte(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		case b == ' ', b == '\t', b == '\r', b == '\n':
		case b == '{':
			return body.UnreadByte()
		default:
			// The body itself may name the person, or repeat the credentials.
			media, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
			return &foreignError{api: a, status: resp.StatusCode, media: media, length: resp.ContentLength}
		}
	}
}
