package config

import "regexp"

// Parts of a URL that may be secret. userinfo also matches a password with / or @ in it,
// and lost the start of one that a list was split inside.
var (
	userinfo  = regexp.MustCompile(`^([a-z0-9+.-]*://)?.*@`)
	lost      = regexp.MustCompile(`^([a-z0-9+.-]*://[^/:]*:)[^/]*[^/0-9].*`)
	parameter = regexp.MustCompile(`(?i)((?:pass\w*|\w*token|\w*secret|\w*key)=)[^&]*`)
)

// Redact returns the URL for display: xxxxx replaces user, password and secret
// parameters, also in a text that is not quite a URL.
func Redact(url string) string {
	url = userinfo.ReplaceAllString(url, "${1}xxxxx@")
	url = lost.ReplaceAllString(url, "${1}xxxxx")
	return parameter.ReplaceAllString(url, "${1}xxxxx")
}
