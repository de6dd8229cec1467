package bigqueryfake

import (
	"cmp"
	"net/http"

	"google.golang.org/api/bigquery/v2"
)

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
