package console_test

import (
	"encoding/csv"
	"net/http"
	"strings"
	"testing"
)

// messages reads the rates of the campaign, and takes the tables along as CSV.
func messages(t *testing.T, s *system, b *browser) {
	b.open(s.page)
	b.press(`nav a[href="/messages"]`)
	b.is("document.querySelectorAll('.plot canvas').length === 2", step)
	b.says("of delivered outside Gmail")
	b.is("Number(document.querySelector('.funnel td.n').textContent) > 100", step)
	b.looks("messages")
	files := value[[]string](b, "[...document.querySelectorAll('a.csv')].map((a) => a.href)")
	if len(files) < 6 {
		t.Errorf("files %q", files)
	}
	for _, file := range files {
		res, err := http.Get(file)
		if err != nil {
			t.Fatal(err)
		}
		lines, err := csv.NewReader(res.Body).ReadAll()
		_ = res.Body.Close()
		if err != nil || len(lines) < 2 || !strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment") {
			t.Errorf("%s: %d lines, %v, %v", file, len(lines), res.Header, err)
		}
	}
	b.press("table.wide a[href*='campaign=']")
	b.is("location.search.includes('campaign=') && document.querySelectorAll('.plot canvas').length === 2", step)
	b.choose("[name=days]", "7")
	b.fill("[name=timezone]", "Europe/Berlin")
	b.press("form.bar button.main")
	b.says("midnight in Europe/Berlin")
}
