/** The present, for relative times: one timer for the whole page, a tick each five seconds. */
class Clock {
  now = $state(Date.now());

  constructor() {
    setInterval(() => {
      if (!document.hidden) this.now = Date.now();
    }, 5_000);
  }
}

export const clock = new Clock();
