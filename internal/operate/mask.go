package operate

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"
	"unicode/utf8"

	"github.com/cioevents/cioevents/internal/privacy"
)

// Mask hides the names of e-mail addresses in a text: "ann@mail.example" becomes
// "a…@mail.example". The domain stays, because it often is the cause of a failure.
func Mask(text string) string {
	return privacy.ReplaceAddresses(text, func(address string) string {
		_, size := utf8.DecodeRuneInString(address)
		return address[:size] + "…" + address[strings.LastIndexByte(address, '@'):]
	})
}

// MaskBody returns the result of JSONOrText for a body whose texts are masked. An address
// with escapes is masked, too, and members may change their order.
func MaskBody(body []byte) any {
	d := json.NewDecoder(bytes.NewReader(body))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return Mask(string(body))
	}
	if _, err := d.Token(); err != io.EOF {
		return Mask(string(body))
	}
	return maskValue(v)
}

func maskValue(v any) any {
	switch v := v.(type) {
	case string:
		return Mask(v)
	case []any:
		for i := range v {
			v[i] = maskValue(v[i])
		}
	case map[string]any:
		masked := make(map[string]any, len(v))
		for key, value := range v {
			masked[Mask(key)] = maskValue(value)
		}
		return masked
	}
	return v
}
