import type { ReactNode, Ref } from 'react';
import styles from './button.module.css';
import { Icon, type IconName } from './icon.tsx';

export interface ButtonProps {
  readonly children: ReactNode;
  readonly kind?: 'primary' | 'normal' | 'quiet' | 'danger';
  readonly icon?: IconName;
  readonly disabled?: boolean;
  readonly tip?: string;
  readonly shortcut?: string;
  readonly type?: 'button' | 'submit';
  readonly autoFocus?: boolean;
  readonly onClick?: () => void;
}

/** A button with a text. */
export function Button({
  children,
  kind = 'normal',
  icon,
  disabled,
  tip,
  shortcut,
  type = 'button',
  autoFocus,
  onClick,
}: ButtonProps) {
  return (
    <button
      type={type}
      className={styles.button}
      data-kind={kind}
      disabled={disabled}
      data-tip={tip}
      data-shortcut={shortcut}
      data-autofocus={autoFocus}
      onClick={onClick}
    >
      {icon !== undefined && <Icon name={icon} size={14} />}
      <span>{children}</span>
    </button>
  );
}

export interface IconButtonProps {
  readonly icon: IconName;
  /** Its name, also shown as its tip. */
  readonly label: string;
  readonly shortcut?: string;
  readonly disabled?: boolean;
  readonly pressed?: boolean;
  readonly size?: number;
  readonly buttonRef?: Ref<HTMLButtonElement>;
  readonly onClick: () => void;
}

/** A button with only an icon; its name is shown as a tip. */
export function IconButton({
  icon,
  label,
  shortcut,
  disabled,
  pressed,
  size = 14,
  buttonRef,
  onClick,
}: IconButtonProps) {
  return (
    <button
      type="button"
      ref={buttonRef}
      className={styles.iconButton}
      aria-label={label}
      aria-pressed={pressed}
      disabled={disabled}
      data-tip={label}
      data-shortcut={shortcut}
      onClick={(event) => {
        event.stopPropagation();
        onClick();
      }}
    >
      <Icon name={icon} size={size} />
    </button>
  );
}
