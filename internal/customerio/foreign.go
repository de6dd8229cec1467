package customerio

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
)

// A foreignError is a success that the Track API cannot have sent: a proxy, a captive
// portal or a parked domain has answered the call.
type foreignError struct {
	status int
	media  string // the media type of the answer, "" for none
	length int64  // bytes of the answer, -1 if the answer did not say
}

func (e *foreignError) Error() string {
	length := "of unknown length"
	if e.length >= 0 {
		length = fmt.Sprintf("of %d bytes", e.length)
	}
	return fmt.Sprintf("status %d with a body of type %q %s, which the Track API does not send: "+
		"check for a proxy or a captive portal, HTTPS_PROXY and CUSTOMERIO_TRACK_URL", e.status, e.media, length)
}

// checkOwn returns a *foreignError unless the body of a success is empty or begins with
// "{" after white space. The Track API answers "{}", or an object with the faults of a
// batch. Nobody has seen every answer of the API, and a stricter check could stop every
// effect. checkOwn does not consume what follows the white space.
func checkOwn(resp *http.Response, body *bufio.Reader) error {
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
			return &foreignError{status: resp.StatusCode, media: media, length: resp.ContentLength}
		}
	}
}
