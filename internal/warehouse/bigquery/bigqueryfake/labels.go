package bigqueryfake

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
)

// Google's rules for labels: https://cloud.google.com/bigquery/docs/labels-intro.
var (
	labelKey   = regexp.MustCompile(`^[\p{Ll}\p{Lo}][\p{Ll}\p{Lo}\p{N}_-]{0,62}$`)
	labelValue = regexp.MustCompile(`^[\p{Ll}\p{Lo}\p{N}_-]{0,63}$`)
)

func checkLabels(labels map[string]string) error {
	for key, value := range labels {
		if !labelKey.MatchString(key) || !labelValue.MatchString(value) {
			return invalid(fmt.Sprintf("Label %q with value %q does not conform to the rules for labels", key, value))
		}
	}
	return nil
}

// mergedLabels returns the labels after a patch. A patch of labels changes the labels
// that it names and deletes labels with the value null
// (https://cloud.google.com/bigquery/docs/deleting-labels).
func mergedLabels(old map[string]string, patch json.RawMessage) (json.RawMessage, error) {
	var changes map[string]*string
	if err := json.Unmarshal(patch, &changes); err != nil {
		return nil, invalid(err.Error())
	}
	labels := map[string]string{}
	maps.Copy(labels, old)
	for key, value := range changes {
		delete(labels, key)
		if value != nil {
			labels[key] = *value
		}
	}
	if err := checkLabels(labels); err != nil {
		return nil, err
	}
	return json.Marshal(labels)
}
