/** What the settings of a host say of what may be promised of it; whatever they leave out is as the host has it. */
export type HostOffer = {
  readonly memoryMb?: number;
  readonly cpus?: number;
  readonly diskMb?: number;
  /** How often each processor may be promised. */
  readonly overcommit?: number;
  /** Whether new gateways are kept off it. */
  readonly cordoned?: boolean;
};
