package customerio

import (
	"encoding/json"
	"strings"
)

// detail returns what a refusal of the App API says. An answer of the form errors[] has
// a detail and perhaps a code for each error; an older answer has meta.error. detail
// returns any other body as it is.
func detail(body []byte) string {
	var refusal struct {
		Errors []struct {
			Code   string `json:"code"`
			Detail string `json:"detail"`
		} `json:"errors"`
		Meta struct {
			Error string `json:"error"`
		} `json:"meta"`
	}
	if json.Unmarshal(body, &refusal) != nil {
		return string(body)
	}
	var texts []string
	for _, e := range refusal.Errors {
		texts = append(texts, strings.TrimSpace(e.Code+" "+e.Detail))
	}
	texts = append(texts, refusal.Meta.Error)
	if text := strings.Trim(strings.Join(texts, "; "), "; "); text != "" {
		return text
	}
	return string(body)
}
