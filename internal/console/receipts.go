package console

import (
	"encoding/json"
	"net/http"
	"sync"

	"github.com/cioevents/cioevents/internal/people"
)

// receipts keeps the receipts of erasures, which name nobody, until the console ends.
type receipts struct {
	mu   sync.Mutex
	list map[string]*people.Receipt // by request
}

func (l *receipts) add(r *people.Receipt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.list == nil {
		l.list = map[string]*people.Receipt{}
	}
	l.list[r.Request] = r
}

func (l *receipts) get(request string) *people.Receipt {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.list[request]
}

// receipt answers with a receipt as a file.
func (s *Server) receipt(w http.ResponseWriter, r *http.Request) (view, error) {
	receipt := s.receipts.get(r.PathValue("request"))
	if receipt == nil {
		http.NotFound(w, r)
		return view{}, nil
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Content-Disposition", `attachment; filename="`+receipt.Request+`.json"`)
	out := json.NewEncoder(w)
	out.SetIndent("", "  ")
	_ = out.Encode(receipt) //nolint:errchkjson // fails only if the browser is gone
	return view{}, nil
}
