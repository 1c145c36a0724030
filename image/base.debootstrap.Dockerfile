FROM scratch AS base
ADD base.tar /
