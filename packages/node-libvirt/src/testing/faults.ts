/** The fake server's action in place of a correct answer to a call. */
export type Fault =
  /** Reports an error, as libvirt would: `code` from virErrorNumber, `domain` from virErrorDomain. */
  | { kind: 'error'; code: number; message: string; domain?: number }
  /** Answers late. */
  | { kind: 'delay'; ms: number }
  /** Never answers. */
  | { kind: 'silence' }
  /** Closes the connection instead of answering. */
  | { kind: 'drop' }
  /** Answers with a header that belongs to no call. */
  | { kind: 'malformed' }
  /** Cuts the answer's payload short, in a message whose length is right. */
  | { kind: 'truncated' }
  /** Announces a message larger than the protocol allows. */
  | { kind: 'oversized' };

/** A fault, its call (by the name in the protocol description) and the number of times. */
export interface FaultRule {
  call: string;
  fault: Fault;
  /** 1 when left out; Infinity forever. */
  times?: number;
}

/** The faults still to come. */
export class FaultList {
  readonly #rules: { call: string; fault: Fault; left: number }[] = [];

  add({ call, fault, times = 1 }: FaultRule): void {
    this.#rules.push({ call, fault, left: times });
  }

  /** Takes the next fault for a call, if one is due. */
  take(call: string): Fault | undefined {
    const rule = this.#rules.find((candidate) => candidate.call === call && candidate.left > 0);
    if (rule) rule.left--;
    return rule?.fault;
  }

  clear(): void {
    this.#rules.length = 0;
  }
}
