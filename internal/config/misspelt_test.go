package config_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cioevents/cioevents/internal/config"
)

// A misspelt variable has no effect, and no program reports it.
func TestMisspelt(t *testing.T) {
	t.Parallel()
	var text string
	set := config.New("p", func(string) string { return "" })
	set.Secret(&text, "CUSTOMERIO_SITE_ID", "")
	set.String(&text, "STREAM_MAX_AGE", "", "")
	environment := []string{
		"CUSTOMERIO_SITE_ID", "CUSTOMERIO_SITE_ID_FILE", "CUSTOMERIO_SITEID", "STREAM_MAXAGE", "STREAM_MAX_BYTES", "PATH", "CUSTOMERIO_B_SITE_ID", "CUSTOMERIO_A_SITE_ID",
	}
	got := config.Misspelt(environment, []config.Workspace{{Name: "a"}, {Name: config.DefaultWorkspace}}, set)
	want := map[string]string{"CUSTOMERIO_SITEID": "CUSTOMERIO_SITE_ID", "STREAM_MAXAGE": "STREAM_MAX_AGE", "CUSTOMERIO_B_SITE_ID": "CUSTOMERIO_SITE_ID"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
