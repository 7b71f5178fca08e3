package datasets

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
)

const (
	headerTimeout = 30 * time.Second // until a server answers
	stallTimeout  = 60 * time.Second // without a byte arriving
)

// downloader fetches published files from the first mirror that has them.
type downloader struct {
	client      *http.Client
	mirrors     []string  // base URLs
	progress    io.Writer // nil is quiet
	unreachable bool      // the last fetch failed because no mirror served the file
}

// fetch downloads f to path, which appears only when complete and correct.
// Data arrives in path.part. A download that is cut or cancelled leaves that
// file, and the next one (or the next mirror) carries on at its end; one with
// a wrong hash is removed, and no other mirror is asked.
func (d *downloader) fetch(ctx context.Context, f remoteFile, path string) error {
	d.unreachable = false
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return fmt.Errorf("download: %w", err)
	}
	part := path + ".part"
	var tried []error
	for _, mirror := range d.mirrors {
		address, err := url.JoinPath(mirror, f.name)
		if err != nil {
			return fmt.Errorf("download: mirror %q: %w", mirror, err)
		}
		if err = d.fill(ctx, address, f, part); err == nil {
			return finish(part, path, f, address)
		}
		if ctx.Err() != nil {
			return fmt.Errorf("download: %s: %w", address, context.Cause(ctx))
		}
		var local *os.PathError
		if errors.As(err, &local) {
			return fmt.Errorf("download: %w", err)
		}
		tried = append(tried, fmt.Errorf("%s: %w", address, err))
	}
	d.unreachable = true
	return fmt.Errorf("download: %w", joined(tried))
}

// finish gives a complete part its name if its hash is right and removes it if
// it is not.
func finish(part, path string, f remoteFile, address string) error {
	if err := checkFile(part, f); err != nil {
		return joined([]error{fmt.Errorf("download: %s: %w", address, err), os.Remove(part)})
	}
	if err := os.Rename(part, path); err != nil {
		return fmt.Errorf("download: %w", err)
	}
	return nil
}

// fill brings part to the size of f from one address, beginning at its end if
// the server can. On error what has arrived stays.
func (d *downloader) fill(ctx context.Context, address string, f remoteFile, part string) (err error) {
	w, err := os.OpenFile(part, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer func() {
		if cerr := w.Close(); err == nil {
			err = cerr
		}
	}()
	have, err := w.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	if have > f.size || have == f.size && checkFile(part, f) != nil {
		have = 0 // not a beginning of this file
	}
	if have == f.size {
		return nil
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body, have, err := d.open(ctx, address, have)
	if err != nil {
		return err
	}
	defer body.Close()
	if err := w.Truncate(have); err != nil {
		return err
	}
	if _, err := w.Seek(have, io.SeekStart); err != nil {
		return err
	}
	bar := newBar(d.progress, f, have)
	defer bar.end()
	stalled := &stallReader{r: body, cancel: cancel}
	n, err := io.Copy(io.MultiWriter(w, bar), io.LimitReader(stalled, f.size-have+1))
	switch have += n; {
	case err != nil:
		if cause := context.Cause(ctx); cause != nil {
			err = cause
		}
		return fmt.Errorf("cut after %d of %d bytes: %w", have, f.size, err)
	case have < f.size:
		return fmt.Errorf("ended after %d of %d bytes", have, f.size)
	case have > f.size:
		if err := w.Truncate(0); err != nil {
			return err
		}
		return fmt.Errorf("more than the %d bytes of %s", f.size, f.name)
	}
	return w.Sync()
}

// open asks for address from byte offset on and returns the body with the
// offset at which it begins: the one asked for, or 0.
func (d *downloader) open(ctx context.Context, address string, offset int64) (io.ReadCloser, int64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, 0, err
	}
	// The hash is of the file as stored: no transport may unpack it.
	req.Header.Set("Accept-Encoding", "identity")
	if offset > 0 {
		req.Header.Set("Range", fmt.Sprintf("bytes=%d-", offset))
	}
	client := d.client
	if client == nil {
		client = defaultClient()
	}
	resp, err := client.Do(req)
	if err != nil {
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // the address is named by the caller
		}
		return nil, 0, err
	}
	switch resp.StatusCode {
	case http.StatusOK:
		return resp.Body, 0, nil
	case http.StatusPartialContent:
		got := resp.Header.Get("Content-Range")
		if strings.HasPrefix(got, fmt.Sprintf("bytes %d-", offset)) {
			return resp.Body, offset, nil
		}
		err = fmt.Errorf("asked for bytes from %d, got content range %q", offset, got)
	default:
		err = fmt.Errorf("status %s", resp.Status)
	}
	resp.Body.Close()
	return nil, 0, err
}

// defaultClient waits a limited time for an answer; bodies are watched by stallReader.
func defaultClient() *http.Client {
	t := http.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = headerTimeout
	return &http.Client{Transport: t}
}

// stallReader cancels the request behind r when a read waits too long.
type stallReader struct {
	r      io.Reader
	cancel context.CancelCauseFunc
}

func (s *stallReader) Read(p []byte) (int, error) {
	timer := time.AfterFunc(stallTimeout, func() {
		s.cancel(fmt.Errorf("no data for %v", stallTimeout))
	})
	defer timer.Stop()
	return s.r.Read(p)
}

// bar shows the progress of one file. Trouble with drawing it never ends a
// download.
type bar struct{ *progressbar.ProgressBar }

// newBar returns a bar for f that begins at have bytes.
func newBar(w io.Writer, f remoteFile, have int64) bar {
	if w == nil {
		return bar{progressbar.DefaultBytesSilent(f.size)}
	}
	b := bar{progressbar.NewOptions64(f.size,
		progressbar.OptionSetWriter(w),
		progressbar.OptionSetDescription(f.name),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowTotalBytes(true),
		progressbar.OptionSetWidth(20),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionOnCompletion(func() { fmt.Fprintln(w) }),
	)}
	b.Set64(have)
	return b
}

// Write counts p.
func (b bar) Write(p []byte) (int, error) {
	b.Add(len(p))
	return len(p), nil
}

// end leaves the bar as it stands: Close would fill it.
func (b bar) end() {
	if !b.IsFinished() {
		b.Exit()
	}
}

// joined makes one line of the errors that are not nil, each still found by
// errors.Is. Unlike errors.Join it keeps messages on one line.
func joined(errs []error) error {
	var all error
	for _, err := range errs {
		switch {
		case all == nil:
			all = err
		case err != nil:
			all = fmt.Errorf("%w; %w", all, err)
		}
	}
	return all
}
