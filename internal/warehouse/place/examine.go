package place

import (
	"context"
	"time"

	"github.com/cioevents/cioevents/internal/warehouse"
	"github.com/cioevents/cioevents/internal/warehouse/bigquery"
	"github.com/cioevents/cioevents/internal/warehouse/duckdb"
)

func (d duckDB) Examine(ctx context.Context) []warehouse.Sign {
	return duckdb.Examine(ctx, string(d))
}

// folderWait bounds the examination of a folder with many files.
const folderWait = 6 * time.Second

func (f folder) Examine(ctx context.Context) []warehouse.Sign {
	ctx, cancel := context.WithTimeout(ctx, folderWait)
	defer cancel()
	signs := []warehouse.Sign{warehouse.ExamineFolder(string(f))}
	if err := f.check(); err != nil {
		return append(signs, warehouse.Sign{Detail: "the folder has no events yet", Remedy: "start a worker, which creates it, or run cioctl warehouse migrate"})
	}
	r, err := f.Reader(ctx)
	if err != nil {
		return append(signs, warehouse.Sign{Detail: err.Error(), Remedy: "let the reader's user read the folder and all its files", Broken: true})
	}
	defer r.Close()
	return append(signs, warehouse.ExamineSchema(ctx, r))
}

func (d dataset) Examine(ctx context.Context) []warehouse.Sign {
	return bigquery.Examine(ctx, bigquery.Config(d))
}
