package serve

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// metrics are what Prometheus reads.
type metrics struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
	seconds  *prometheus.HistogramVec
	samples  *prometheus.CounterVec
	loads    prometheus.Histogram
}

func newMetrics(s *Service) *metrics {
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "qtool_requests_total", Help: "Requests by endpoint, status and problem."}, []string{"endpoint", "status", "problem"}),
		seconds:  prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "qtool_evaluation_seconds", Help: "Seconds of evaluations of a message.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 18)}, []string{"model"}),
		samples:  prometheus.NewCounterVec(prometheus.CounterOpts{Name: "qtool_samples_total", Help: "Samples that were evaluated."}, []string{"model"}),
		loads:    prometheus.NewHistogram(prometheus.HistogramOpts{Name: "qtool_key_load_seconds", Help: "Seconds of reading evaluation keys.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 14)}),
	}
	gauge := func(name, help string, f func() float64) prometheus.Collector {
		return prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: name, Help: help}, f)
	}
	m.registry.MustRegister(m.requests, m.seconds, m.samples, m.loads,
		gauge("qtool_messages_waiting", "Messages that wait for an evaluation, or are in one.", func() float64 { return float64(s.waiting.Load()) }),
		gauge("qtool_cached_keys", "Evaluation keys in memory.", func() float64 { n, _ := s.Keys.Cached(); return float64(n) }),
		gauge("qtool_cached_key_bytes", "Bytes of evaluation keys in memory.", func() float64 { _, b := s.Keys.Cached(); return float64(b) }),
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return m
}

func (m *metrics) request(endpoint string, status int, problem string) {
	m.requests.WithLabelValues(endpoint, strconv.Itoa(status), problem).Inc()
}

func (m *metrics) evaluated(model string, samples int, took time.Duration) {
	m.seconds.WithLabelValues(model).Observe(took.Seconds())
	m.samples.WithLabelValues(model).Add(float64(samples))
}

// loaded counts a reading of keys that began at start.
func (m *metrics) loaded(start time.Time) { m.loads.Observe(time.Since(start).Seconds()) }

// Metrics is the page that Prometheus reads: for a port that clients do not reach.
func (s *Service) Metrics() http.Handler {
	return promhttp.HandlerFor(s.metrics.registry, promhttp.HandlerOpts{})
}
