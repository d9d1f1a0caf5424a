package fake

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/microvm-go/lambdamicrovms"
	"github.com/microvm-go/lambdamicrovms/types"
)

// The types of a state file. They are separate from the server's own, so that those can
// change without a new format.

type savedState struct {
	Time     time.Time    `json:"time"`
	Sequence int64        `json:"sequence"`
	Random   []byte       `json:"random,omitempty"` // the state of the id generator
	Worlds   []savedWorld `json:"worlds"`
}

type savedWorld struct {
	Account  string            `json:"account"`
	Region   string            `json:"region"`
	Images   []savedImage      `json:"images,omitempty"` // oldest first
	MicroVMs []savedMicroVM    `json:"microvms,omitempty"`
	Tokens   map[string]*grant `json:"clientTokens,omitempty"`
}

type savedImage struct {
	Sequence  int64                   `json:"sequence"`
	ID        string                  `json:"id"`
	Name      string                  `json:"name"`
	Tags      map[string]string       `json:"tags,omitempty"`
	CreatedAt time.Time               `json:"createdAt"`
	ChangedAt time.Time               `json:"changedAt"`
	Latest    int                     `json:"latest"`
	During    types.MicroVMImageState `json:"during"`
	After     types.MicroVMImageState `json:"after,omitempty"`
	Until     time.Time               `json:"until"`
	Versions  []savedVersion          `json:"versions"`
}

type savedVersion struct {
	Number    int                               `json:"number"`
	Config    *types.MicroVMImageVersionSummary `json:"configuration"`
	CreatedAt time.Time                         `json:"createdAt"`
	StartsAt  time.Time                         `json:"startsAt"`
	EndsAt    time.Time                         `json:"endsAt"`
	Stuck     bool                              `json:"stuck,omitempty"`
	Builds    []savedBuild                      `json:"builds"`
	Status    types.MicroVMImageVersionStatus   `json:"status,omitempty"`
	ChangedAt time.Time                         `json:"changedAt"`
	GoneAt    time.Time                         `json:"goneAt"`
}

type savedBuild struct {
	ID         string  `json:"id"`
	Generation string  `json:"generation"`
	Failure    *string `json:"failure,omitempty"`
}

type savedMicroVM struct {
	Sequence int64                            `json:"sequence"`
	ImageID  string                           `json:"imageId"`
	Version  int                              `json:"version"`
	Memory   int32                            `json:"memory"`
	Settings *lambdamicrovms.GetMicroVMOutput `json:"settings"`
	ActiveAt time.Time                        `json:"activeAt"`
	Phases   timeline                         `json:"phases"`
}

// save returns the server's state. The caller must hold the server's lock until it is
// done with the result.
func (s *Server) save() *savedState {
	saved := &savedState{Time: s.clock.Now(), Sequence: s.sequence, Random: s.ids.save(), Worlds: []savedWorld{}}
	for sc, w := range s.worlds {
		saved.Worlds = append(saved.Worlds, w.save(sc))
	}
	slices.SortFunc(saved.Worlds, func(a, b savedWorld) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Region, b.Region))
	})
	return saved
}

func (w *world) save(sc scope) savedWorld {
	saved := savedWorld{Account: sc.account, Region: sc.region, Tokens: w.tokens}
	for _, img := range w.images { // deleted images too: a second delete depends on them
		saved.Images = append(saved.Images, img.save())
	}
	slices.SortFunc(saved.Images, func(a, b savedImage) int { return cmp.Compare(a.Sequence, b.Sequence) })
	for _, vm := range w.microVMOrder {
		saved.MicroVMs = append(saved.MicroVMs, savedMicroVM{
			vm.sequence, vm.imageID, vm.version, vm.memory, vm.settings, vm.activeAt, vm.phases,
		})
	}
	return saved
}

func (img *image) save() savedImage {
	saved := savedImage{
		Sequence: img.sequence, ID: img.id, Name: img.name, Tags: img.tags,
		CreatedAt: img.createdAt, ChangedAt: img.changedAt, Latest: img.latest,
		During: img.during, After: img.after, Until: img.until,
		Versions: []savedVersion{},
	}
	for _, v := range img.versions {
		builds := make([]savedBuild, len(v.builds))
		for i, b := range v.builds {
			builds[i] = savedBuild{b.id, b.generation, b.failure}
		}
		saved.Versions = append(saved.Versions, savedVersion{
			v.number, v.config, v.createdAt, v.startsAt, v.endsAt, v.stuck, builds, v.status, v.changedAt, v.goneAt,
		})
	}
	return saved
}

// restore replaces the server's state, or returns an error and changes nothing. The
// caller must hold the server's lock.
func (s *Server) restore(saved *savedState) error {
	worlds, hosts, sequence := make(map[scope]*world), make(map[string]*microVM), saved.Sequence
	for _, from := range saved.Worlds {
		sc := scope{from.Account, from.Region}
		if sc.account == "" || sc.region == "" || worlds[sc] != nil {
			return fmt.Errorf("account %q and region %q must be set, and unique", sc.account, sc.region)
		}
		w, err := from.restore(sc)
		if err != nil {
			return fmt.Errorf("account %s, region %s: %w", sc.account, sc.region, err)
		}
		worlds[sc] = w
		for _, img := range w.order {
			sequence = max(sequence, img.sequence)
		}
		for _, vm := range w.microVMOrder {
			sequence = max(sequence, vm.sequence)
			hosts[*vm.settings.Endpoint] = vm
		}
	}
	if len(saved.Random) > 0 {
		if err := s.ids.restore(saved.Random); err != nil {
			return err
		}
	}
	s.worlds, s.hosts, s.sequence = worlds, hosts, sequence
	s.clock.notBefore(saved.Time)
	return nil
}

func (saved *savedWorld) restore(sc scope) (*world, error) {
	w := newWorld()
	for key, g := range saved.Tokens {
		if g == nil {
			return nil, fmt.Errorf("client token %q is null", key)
		}
		w.tokens[key] = g
	}
	var last int64
	for _, from := range saved.Images {
		img, err := from.restore(sc)
		if err == nil && (from.Sequence <= last || w.images[from.Name] != nil) {
			err = errors.New("out of sequence, or a second one of that name")
		}
		if err != nil {
			return nil, fmt.Errorf("image %q: %w", from.Name, err)
		}
		last = from.Sequence
		w.images[img.name] = img
		w.order = append(w.order, img)
		if img.after == "" {
			w.leaving = append(w.leaving, img)
		}
	}
	last = 0
	for _, from := range saved.MicroVMs {
		vm := &microVM{from.Sequence, from.ImageID, from.Version, from.Memory, from.Settings, from.ActiveAt, from.Phases}
		if err := vm.check(last); err != nil {
			return nil, fmt.Errorf("MicroVM %d: %w", from.Sequence, err)
		}
		last = from.Sequence
		w.add(vm)
	}
	return w, nil
}

func (saved *savedImage) restore(sc scope) (*image, error) {
	img := &image{
		sequence: saved.Sequence, id: saved.ID, name: saved.Name, arn: sc.imageARN(saved.Name), tags: saved.Tags,
		createdAt: saved.CreatedAt, changedAt: saved.ChangedAt, latest: saved.Latest,
		during: saved.During, after: saved.After, until: saved.Until,
	}
	if img.id == "" || img.name == "" || img.during == "" {
		return nil, errors.New("id, name or state is missing")
	}
	number := 0
	for _, from := range saved.Versions {
		v := &version{
			number: from.Number, config: from.Config, createdAt: from.CreatedAt, startsAt: from.StartsAt, endsAt: from.EndsAt,
			stuck: from.Stuck, status: from.Status, changedAt: from.ChangedAt, goneAt: from.GoneAt,
		}
		for _, b := range from.Builds {
			v.builds = append(v.builds, build{b.ID, b.Generation, b.Failure})
		}
		if v.number <= number || v.number > img.latest {
			return nil, fmt.Errorf("version %d is out of sequence", v.number)
		}
		if v.config == nil || len(v.config.Resources) == 0 || v.config.Resources[0].MinimumMemoryInMiB == nil {
			return nil, fmt.Errorf("version %d has no configuration with resources", v.number)
		}
		number = v.number
		img.versions = append(img.versions, v)
	}
	return img, nil
}

// check returns an error for a MicroVM that the server could not handle.
func (vm *microVM) check(last int64) error {
	told := vm.settings
	if told == nil || told.MicroVMId == nil || told.Endpoint == nil || told.ImageArn == nil || told.ImageVersion == nil ||
		told.StartedAt == nil || told.MaximumDurationInSeconds == nil {
		return errors.New("settings are incomplete")
	}
	if p := told.IdlePolicy; p != nil && (p.AutoResumeEnabled == nil || p.MaxIdleDurationSeconds == nil || p.SuspendedDurationSeconds == nil) {
		return errors.New("idle policy is incomplete")
	}
	if len(vm.phases) == 0 {
		return errors.New("phases are missing")
	}
	if vm.sequence <= last {
		return errors.New("out of sequence")
	}
	return nil
}
