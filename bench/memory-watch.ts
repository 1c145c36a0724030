import fs from 'node:fs';

/** The most memory a process was seen to use, in MB. */
export class MemoryWatch {
  readonly #timer: NodeJS.Timeout;
  #mostMb = 0;

  constructor(pid: number) {
    this.#timer = setInterval(() => {
      const status = fs.readFileSync(`/proc/${pid}/status`, 'utf8');
      this.#mostMb = Math.max(this.#mostMb, Math.round(Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024));
    }, 200);
  }

  stop(): number {
    clearInterval(this.#timer);
    return this.#mostMb;
  }
}
