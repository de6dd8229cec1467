package config

import (
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// secretValue reads NAME, or the file with the path NAME_FILE.
func (s *Set) secretValue(name string) (string, error) {
	path := s.getenv(name + "_FILE")
	if value := s.getenv(name); value != "" || path == "" {
		return bare(value), nil
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%s_FILE: %w", name, err)
	}
	text := string(b)
	if !utf8.ValidString(text) || strings.Contains(text, "\x00") {
		return "", fmt.Errorf("%s_FILE: %s is not a text in UTF-8 (PowerShell writes UTF-16 unless you say -Encoding ascii)", name, path)
	}
	return bare(text), nil
}

// bare removes the byte order mark that editors on Windows write, and the space around a
// secret. A Secret of Kubernetes that was made from such a file passes both on in the
// environment.
func bare(secret string) string {
	return strings.TrimSpace(strings.TrimPrefix(secret, "\ufeff"))
}
