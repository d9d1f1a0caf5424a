package fake

import "time"

// Quotas are limits per account and region. Zero is no limit.
type Quotas struct {
	// ConcurrentBuilds limits the versions that are being built at a time; the service allows 10.
	ConcurrentBuilds int
	// Images limits the images; the service allows 100. The message of its error is not on record.
	Images int
	// VersionsPerImage limits the versions of an image; the service allows 50. The message of its error is
	// not on record.
	VersionsPerImage int
	// TagsPerImage limits the tags of an image. AWS allows 50 for most resources; nobody has measured it on this
	// service, so neither the limit nor the message of the error is on record.
	TagsPerImage int
	// MemoryInMiB limits the memory of MicroVMs that have not ended and of builds. A new account of the
	// service has 4 to 8 GiB.
	MemoryInMiB int
}

// WithQuotas sets the limits of each account and region. The default is none.
func WithQuotas(q Quotas) Option {
	return func(c *config) { c.quotas = q }
}

func (c *call) roomForImage() error {
	if limit := c.server.config.quotas.Images; limit > 0 && c.world.alive(c.now) >= limit {
		return overQuota("Account %s has reached the maximum number of MicroVM images allowed.", c.scope.account)
	}
	return c.roomToBuild()
}

func (c *call) roomForVersion(img *image) error {
	if limit := c.server.config.quotas.VersionsPerImage; limit > 0 && len(img.versions) >= limit {
		return overQuota("MicroVM image %s has reached the maximum number of versions allowed.", img.arn)
	}
	return c.roomToBuild()
}

// roomForTags checks how many tags an image is to have.
func (c *call) roomForTags(tags int) *failure {
	if limit := c.server.config.quotas.TagsPerImage; limit > 0 && tags > limit {
		return invalid("A resource can have at most %d tags.", limit)
	}
	return nil
}

func (c *call) roomToBuild() error {
	if limit := c.server.config.quotas.ConcurrentBuilds; limit > 0 && c.world.building(c.now) >= limit {
		return c.tooManyBuilds()
	}
	return nil
}

func (c *call) tooManyBuilds() error {
	return overQuota("Account %s has reached the maximum number of concurrent builds allowed.", c.scope.account)
}

func (c *call) roomToRun(memory int32) error {
	if limit := c.server.config.quotas.MemoryInMiB; limit > 0 && c.world.memory(c.now)+int(memory) > limit {
		return overQuota("The base maximum allocated memory limit has been reached for this account.")
	}
	return nil
}

// alive counts the images.
func (w *world) alive(now time.Time) int {
	w.sweep(now)
	return len(w.order)
}

// building counts the versions that are being built.
func (w *world) building(now time.Time) int {
	n := 0
	for _, img := range w.order {
		for _, v := range img.versions {
			if v.building(now) {
				n++
			}
		}
	}
	return n
}

// memory is how much is taken up by MicroVMs and by builds, in MiB. Each build runs its version in a MicroVM.
func (w *world) memory(now time.Time) int {
	total := 0
	for _, vm := range w.microVMOrder {
		if vm.live(now) {
			total += int(vm.memory)
		}
	}
	for _, img := range w.order {
		for _, v := range img.versions {
			if v.building(now) {
				total += len(v.builds) * int(*v.config.Resources[0].MinimumMemoryInMiB)
			}
		}
	}
	return total
}
