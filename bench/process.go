package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"syscall"
	"time"
)

// process is a worker in a process of its own.
type process struct {
	cmd    *exec.Cmd
	in     io.WriteCloser
	out    *json.Decoder
	stderr bytes.Buffer
}

// start runs cmd, which calls Serve. When ctx ends, so does the process.
func start(cmd *exec.Cmd) (*process, error) {
	p := &process{cmd: cmd}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	cmd.Stderr = &p.stderr
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	p.out = json.NewDecoder(out)
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return p, nil
}

// ask has one request answered; share is told how much of a long one is done.
func (p *process) ask(ctx context.Context, q request, share func(float64)) (answer, error) {
	b, err := json.Marshal(q)
	if err != nil {
		return answer{}, err
	}
	var a answer
	if _, err = p.in.Write(append(b, '\n')); err == nil {
		for err = p.out.Decode(&a); err == nil && a.Share > 0; err = p.out.Decode(&a) {
			share(a.Share)
			a = answer{}
		}
	}
	switch {
	case ctx.Err() != nil:
		return answer{}, ctx.Err()
	case err != nil:
		return answer{}, fmt.Errorf("bench: a measuring process ended: %w: %s", err, strings.TrimSpace(p.stderr.String()))
	case fatal(a.err()):
		return answer{}, a.err()
	}
	return a, nil
}

// stop ends the process in good order.
func (p *process) stop() {
	p.in.Close()
	_ = p.cmd.Wait() // its answers are here: how it ends is of no account
}
