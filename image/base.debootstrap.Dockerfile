FROM scratch AS base
ADD base.tar /
CMD ["/bin/sh"]
