package warehouse

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// A Salt keeps texts out of statements in GoogleSQL. BigQuery keeps the text of a statement
// for 180 days (https://cloud.google.com/bigquery/docs/information-schema-jobs), and audit
// logs may keep the text for longer: so statements have hashes with a random Salt instead.
type Salt string

// Among returns the condition that an expression has one of the texts. NULL has none of them.
func (s Salt) Among(expression string, texts ...string) string {
	if len(texts) == 0 {
		return "FALSE"
	}
	list := make([]string, len(texts))
	for i, t := range texts {
		sum := sha256.Sum256([]byte(string(s) + t))
		list[i] = "'" + hex.EncodeToString(sum[:]) + "'"
	}
	return "TO_HEX(SHA256(CONCAT('" + string(s) + "', " + expression + "))) IN (" + strings.Join(list, ", ") + ")"
}
