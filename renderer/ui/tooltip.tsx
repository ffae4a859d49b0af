import { useEffect, useState } from 'react';
import './tooltip.css';

interface Tip {
  readonly text: string;
  readonly shortcut: string | undefined;
  readonly x: number;
  readonly y: number;
  readonly above: boolean;
}

/** Long enough that passing over a row of buttons shows nothing. */
const delayMs = 350;

/** Shows the tip (`data-tip`, `data-shortcut`) of what is under the pointer or has the keyboard's focus. */
export function TooltipLayer() {
  const [tip, setTip] = useState<Tip | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let tabbed = false;
    const hide = () => {
      clearTimeout(timer);
      setTip(null);
    };
    const show = (event: Event) => {
      const target = event.target instanceof Element ? event.target.closest<HTMLElement>('[data-tip]') : null;
      hide();
      if (target === null || (event.type === 'focusin' && !tabbed)) return;
      timer = setTimeout(() => {
        const text = target.dataset.tip;
        if (text === undefined || text === '' || !target.isConnected) return;
        const box = target.getBoundingClientRect();
        const above = box.bottom + 60 > window.innerHeight;
        const x = Math.min(Math.max(box.left + box.width / 2, 90), window.innerWidth - 90);
        setTip({ text, shortcut: target.dataset.shortcut, x, y: above ? box.top - 6 : box.bottom + 6, above });
      }, delayMs);
    };
    const onKeyDown = (event: Event) => {
      tabbed = event instanceof KeyboardEvent && event.key === 'Tab';
      hide();
    };
    const events = {
      pointerover: show,
      focusin: show,
      pointerdown: hide,
      keydown: onKeyDown,
      pointerleave: hide,
      blur: hide,
    };
    for (const [name, listener] of Object.entries(events)) window.addEventListener(name, listener, { passive: true });
    return () => {
      clearTimeout(timer);
      for (const [name, listener] of Object.entries(events)) window.removeEventListener(name, listener);
    };
  }, []);
  if (tip === null) return null;
  return (
    <div className={tip.above ? 'tooltip tooltip-above' : 'tooltip'} role="tooltip" style={{ left: tip.x, top: tip.y }}>
      {tip.text}
      {tip.shortcut !== undefined && <kbd>{tip.shortcut}</kbd>}
    </div>
  );
}
