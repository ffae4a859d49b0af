import type { DoctorCheck } from '#shared/model/doctor.ts';

/** The result of a check. */
export interface Finding {
  readonly status: DoctorCheck['status'];
  readonly found: string;
  readonly why?: string;
  readonly fix?: Fix;
  /** Versions that the check found. */
  readonly versions?: Readonly<Record<string, string>>;
}

export interface Fix {
  readonly label: string;
  /** The command for a person to type. */
  readonly command: string;
  /**
   * The same, done by us; absent when we lack the permission, or it would not take effect at once. Errors: TOOL_FAILED,
   * TOOL_MISSING.
   */
  readonly apply?: () => Promise<void>;
}

/** One thing that a runtime has the doctor look at. `look` does not throw for a fault that it finds. */
export interface RuntimeCheck {
  readonly id: string;
  readonly title: string;
  readonly look: () => Promise<Finding>;
}

export const ok = (found: string, versions: Readonly<Record<string, string>> = {}): Finding => ({
  status: 'ok',
  found,
  versions,
});
