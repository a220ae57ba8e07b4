import { getServer, listExperiments, type Experiment, type ServerInfo } from '../api/client';

const RECENT_SHOWN = 8;
const RECENT_READ = 100;

/** What the frame around every page knows: the server and the experiments last used. */
class Server {
  info = $state.raw<ServerInfo | undefined>();
  recent = $state.raw<Experiment[]>([]);

  async load(): Promise<void> {
    await Promise.allSettled([this.#readInfo(), this.readRecent()]);
  }

  /** The frame stays quiet about errors here: the page itself shows them. */
  async readRecent(): Promise<void> {
    const { experiments } = await listExperiments({ view: 'active', max_results: RECENT_READ });
    const used = (experiment: Experiment) => experiment.last_run_time ?? experiment.creation_time;
    this.recent = experiments.sort((a, b) => used(b) - used(a)).slice(0, RECENT_SHOWN);
  }

  async #readInfo(): Promise<void> {
    this.info = await getServer();
  }
}

export const server = new Server();
