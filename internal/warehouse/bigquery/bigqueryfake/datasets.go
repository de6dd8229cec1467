package bigqueryfake

import (
	"cmp"
	"net/http"

	"google.golang.org/api/bigquery/v2"
)

// defaultTimeTravel is the default of maxTimeTravelHours, which is a multiple of 24 from 48
// to 168 (https://cloud.google.com/bigquery/docs/time-travel).
const defaultTimeTravel = 168

func (s *Server) insertDataset(r *http.Request) (any, error) {
	d := &bigquery.Dataset{}
	if err := decode(r, d); err != nil {
		return nil, err
	}
	if d.DatasetReference == nil {
		return nil, invalid("Required parameter is missing: datasetReference")
	}
	name := r.PathValue("project") + ":" + d.DatasetReference.DatasetId
	if s.datasets[name] != nil {
		return nil, alreadyExists("Dataset", name)
	}
	d.Kind, d.Id, d.Etag = "bigquery#dataset", name, s.etag()
	d.Location = cmp.Or(d.Location, "US")
	d.MaxTimeTravelHours = cmp.Or(d.MaxTimeTravelHours, defaultTimeTravel)
	if d.MaxTimeTravelHours < 48 || d.MaxTimeTravelHours > 168 || d.MaxTimeTravelHours%24 > 0 {
		return nil, invalid("Invalid maxTimeTravelHours")
	}
	s.datasets[name] = d
	return d, nil
}

func (s *Server) getDataset(r *http.Request) (any, error) {
	name := r.PathValue("project") + ":" + r.PathValue("dataset")
	d := s.datasets[name]
	if d == nil {
		return nil, notFound("Dataset", name)
	}
	return d, nil
}
