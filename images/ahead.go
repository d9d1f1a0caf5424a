package images

import (
	"context"
	"errors"
	"os"

	"github.com/microvm-go/lambdamicrovms/internal/workflow"
)

// inBackground begins a function in a goroutine. wait returns what the function returns.
// A panic, for example of the caller's log handler, would end the process, because nobody
// can recover it. Therefore wait panics instead, in the goroutine of the caller.
func inBackground[T any](do func() (T, error)) (wait func() (T, error)) {
	var value T
	var panicked any
	err := workflow.ErrGoexit
	done := make(chan struct{})
	go func() {
		defer close(done)
		defer func() { panicked = recover() }()
		value, err = do()
	}()
	return func() (T, error) {
		<-done
		if panicked != nil {
			panic(panicked)
		}
		return value, err
	}
}

// beginHash lists the directory first, so that no call is made if the directory is
// invalid. Then it begins to hash the files. If hashing fails, it calls failed.
func (d *deployer) beginHash(ctx context.Context, failed func()) error {
	d.report(ctx, Event{Step: StepHash})
	ctx, end := d.begin(ctx, StepHash)
	image, secrets := d.image, d.secrets // they change while the goroutine runs
	listed, err := listDir(ctx, d.Dir, nil, []func(*ZipOptions){d.limits})
	if err != nil {
		end(image, "", secrets.Error(err))
		return err
	}
	d.hashing = inBackground(func() (hash string, err error) {
		err = workflow.ErrPanicked // until the directory is hashed
		defer listed.close()
		defer func() {
			if err != nil {
				failed()
			}
			end(image, "", secrets.Error(err))
		}()
		hashed, err := listed.hash(ctx)
		if err != nil {
			return "", err
		}
		return hashed.Hash, nil
	})
	return nil
}

// awaitHash sets the hash, unless pack has set it.
func (d *deployer) awaitHash() error {
	if d.hashing == nil {
		return nil
	}
	hash, err := d.hashing()
	switch {
	case errors.Is(err, workflow.ErrGoexit):
		return d.fail(StepHash, "", err)
	case err == nil && d.hash == "":
		d.hash = hash
	}
	return err
}

// packAhead begins to pack the directory while the image is busy, because Deploy has to
// wait anyway. The archive is rarely packed in vain: the version that is being built
// rarely has the same content.
func (d *deployer) packAhead(ctx context.Context) {
	if d.options.DryRun || d.packing != nil || d.uri != "" {
		return
	}
	d.report(ctx, Event{Step: StepZip})
	job := *d.job // it changes while the goroutine runs
	job.unused = &d.unused
	hashing, dir := d.hashing, d.Dir
	d.packing = inBackground(func() (*packed, error) {
		if _, err := hashing(); err != nil {
			return nil, err
		}
		return job.packDir(ctx, dir, d.limits)
	})
}

// packed is an archive in a temporary file.
type packed struct {
	*os.File
	hash string // of the content
}

// packDir writes the archive to a temporary file.
func (j *job) packDir(ctx context.Context, dir string, limits func(*ZipOptions)) (*packed, error) {
	var archive *packed
	complete := false
	defer func() {
		if archive != nil && !complete { // also after a panic
			archive.remove()
		}
	}()
	err := j.during(ctx, StepZip, "", func(ctx context.Context) error {
		file, err := os.CreateTemp("", "lambdamicrovms-*.zip")
		if err != nil {
			return err
		}
		// Where the system allows it, remove the file's name while it is in use: nothing
		// remains if the process is killed, and a concurrent Deploy of a directory that
		// contains the temporary directory does not pack it.
		_ = os.Remove(file.Name())
		archive = &packed{File: file}
		content, err := Zip(ctx, file, dir, limits)
		if err != nil {
			return err
		}
		archive.hash = content.Hash
		return nil
	})
	if err != nil {
		return nil, err
	}
	complete = true
	return archive, nil
}

func (p *packed) remove() {
	_ = p.Close()
	_ = os.Remove(p.Name())
}

// pack returns the archive, which the caller removes. It sets the hash again, since the
// directory may have changed since it was hashed. If packing ahead has failed, for
// example because a file changed, pack packs again.
func (d *deployer) pack(ctx context.Context) (archive *packed, err error) {
	if d.packing != nil {
		archive, err = d.packing()
		d.packing = nil
	}
	if archive == nil {
		d.report(ctx, Event{Step: StepZip})
		archive, err = d.packDir(ctx, d.Dir, d.limits)
	}
	var artifact *ArtifactError
	switch {
	case errors.As(err, &artifact):
		return nil, err
	case err != nil:
		return nil, d.fail(StepZip, "", err)
	}
	d.hash = archive.hash
	return archive, nil
}

// close waits for what runs in the background, and removes an archive that is not used.
// The context has ended.
func (d *deployer) close() {
	if d.packing != nil { // waits for the hash first
		if archive, _ := d.packing(); archive != nil {
			archive.remove()
		}
	} else if d.hashing != nil {
		_, _ = d.hashing()
	}
}
